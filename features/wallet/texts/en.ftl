wallet-home = Home
wallet-passbook = Passbook
wallet-file = Download as CSV
wallet-file-heading = time,what,kind,unit,change,balance,announced change,reserved change
wallet-units = Kinds of points
wallet-unit = points
wallet-amount = { $figure } { $unit }
wallet-unit-jpy = yen

wallet-day = { $day } { $month } { $year }
wallet-month = { $month } { $year }
wallet-month-1 = January
wallet-month-2 = February
wallet-month-3 = March
wallet-month-4 = April
wallet-month-5 = May
wallet-month-6 = June
wallet-month-7 = July
wallet-month-8 = August
wallet-month-9 = September
wallet-month-10 = October
wallet-month-11 = November
wallet-month-12 = December
wallet-weekday-0 = Sun
wallet-weekday-1 = Mon
wallet-weekday-2 = Tue
wallet-weekday-3 = Wed
wallet-weekday-4 = Thu
wallet-weekday-5 = Fri
wallet-weekday-6 = Sat

wallet-usable-points = Points you can use
wallet-usable = You can use
wallet-posted = Balance
wallet-reserved = Reserved
wallet-overdue = Expired, not yet written off
wallet-expected = Pending
wallet-next-expiry = Expires next
wallet-no-expiry = Nothing expires
wallet-until = until { $day }

wallet-soon = Some of your points expire soon
wallet-soon-text = You can use { $amount } until { $day }.
wallet-soon-idle-text = { $amount } expire on { $day } unless you earn, use or visit before.
wallet-if-idle = unless you earn, use or visit
wallet-use-now = Use now
wallet-notice-subject = { $amount } expire on { $day }
wallet-notice-body =
    Thank you for being with us.

    { $amount } of yours will expire soon.

    Last day: { $day }

    Please use them by then. Choose what for on this page:
    { $address }/passbook?show=expiry

    We write 30 days and 7 days before points expire.
    You can turn these letters off in your settings.
wallet-notice-idle =
    Thank you for being with us.

    You have not been active for a while, so { $amount } of yours will expire soon.

    Last day: { $day }

    Sign in, earn or exchange by then, and they live on.
    { $address }/passbook?show=expiry

    We write 30 days and 7 days before points expire.
    You can turn these letters off in your settings.
wallet-owing = You are short of points
wallet-owing-text = Points were taken back after you had used them: { $amount } are missing. They are taken off the next points you earn.
wallet-frozen = These points are frozen
wallet-frozen-text = You cannot pay with them or exchange them. Please contact support if you do not know why.

wallet-tab-all = All
wallet-tab-pending = Pending
wallet-tab-expiry = Expiry
wallet-column-day = Day
wallet-column-what = What
wallet-column-change = Change
wallet-carried = Balance carried forward
wallet-beginning = Beginning of the passbook
wallet-pencil = Figures in grey are pending or reserved. They are not part of the balance.
wallet-latest = Recent activity
wallet-whole-passbook = See the whole passbook
wallet-find-shop = Find a shop
wallet-ranks = Your rank
wallet-invite = Invite friends

wallet-closed = No passbook yet
wallet-closed-text = It begins with the first points you earn.
wallet-empty = Nothing is written yet
wallet-empty-text = A few days after you shop, the points appear here as pending.
wallet-pending-empty = Nothing is pending
wallet-pending-empty-text = It can take a few days until a purchase appears here.
wallet-pending-text = Once the shop has checked them, these become points you can use.
wallet-due = decided around { $day }
wallet-due-over = should have been decided by now
wallet-due-unknown = day of decision not known
wallet-expiry-empty = You have no points
wallet-expiry-empty-text = The points you earn are listed here by the day they expire on.
wallet-expiry-text = Your points by their last day, the earliest first.
wallet-of-it-reserved = { $amount } of them reserved
wallet-never = Never expires
wallet-badge-soon = Expires soon
wallet-badge-over = Expired

wallet-line-received = Received
wallet-line-sent = Sent
wallet-line-earned = Points earned
wallet-line-used = Points used
wallet-line-exchanged = Exchange
wallet-line-paid-out = Paid out
wallet-line-topped-up = Top-up
wallet-line-adjusted = Adjustment
wallet-line-expired = Points expired
wallet-line-reversed = Taken back
wallet-line-owed = Shortfall
wallet-line-reserved = Payment reserved
wallet-line-paid = Payment
wallet-line-released = Reservation released
wallet-line-expected = Points announced
wallet-line-lowered = Announced points changed

wallet-badge-waiting = Pending
wallet-badge-declined = Declined
wallet-badge-valid = Confirmed
wallet-badge-decided = Decided
wallet-badge-changed = Changed
wallet-badge-reserved = Reserved
wallet-badge-captured = Paid
wallet-badge-voided = Cancelled
wallet-badge-lapsed = Timed out
wallet-badge-ended = Ended

wallet-story = What happened
wallet-details = Details
wallet-back = ← Back to the passbook
wallet-to-shop = To the shop
wallet-planned = { $amount } announced
wallet-step-clicked = You visited the shop
wallet-step-recorded = Written in your passbook
wallet-step-raised = More was announced
wallet-step-lowered = Less was announced
wallet-step-declined = Declined
wallet-step-valid = Confirmed
wallet-step-checking = The shop is checking
wallet-step-to-be-valid = Points you can use
wallet-step-reserved = Reserved for a payment
wallet-step-reserved-more = More was reserved
wallet-step-held = Waiting for the shop
wallet-step-to-be-paid = The payment is made
wallet-step-paid = Paid
wallet-step-released = Reservation cancelled
wallet-step-lapsed = Reservation timed out
wallet-step-reversed = Taken back
wallet-step-expired = Expired
wallet-step-posted = Written in your passbook
wallet-checking-text = The shop makes sure that nothing was returned or cancelled.
wallet-checking-late-text = This should have been decided by now. The shop has not answered yet.
wallet-declined-text = The shop found that the conditions were not met.
wallet-held-text = The points are kept aside until the shop settles the payment.
wallet-paid-rest = { $amount } paid. The other { $rest } are yours again.
wallet-about = until about { $day }
wallet-list-comma = {", "}
wallet-lot = { $amount } (until { $day })
wallet-lot-never = { $amount } (never expires)
wallet-lot-bought = { $amount } (bought, until { $day })
wallet-lot-bought-never = { $amount } (bought, never expires)
wallet-lot-owed = { $amount } (to make good what was missing)
wallet-recorded-at = When
wallet-what = What
wallet-lots = Breakdown and expiry
wallet-balance-after = Balance afterwards
wallet-number = Line number

problem-payment_id_reused = This number was used before
problem-payment_id_reused-next = Try again with a new number.
problem-payment_ended = This payment has ended
problem-payment_ended-next = Your passbook says how.
problem-payment_above_hold = More than is reserved
problem-payment_above_hold-next = Try again with what is reserved, or less.
problem-payment_points_short = Not enough points
problem-payment_points_short-next = Your passbook says how many you can use.
problem-payment_account_frozen = These points are frozen
problem-payment_account_frozen-next = Please contact support.
problem-payment_not_possible = This payment is not possible
problem-payment_not_possible-next = Please ask the shop or our support.
