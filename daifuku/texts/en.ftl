sign-in-title = Sign in
sign-in-staff-title = Sign in to the staff console
sign-in-first = Sign in to see this page.
sign-in-mail = Mail address
sign-in-password = Password
sign-in-send = Sign in
sign-in-as-staff = Staff console
sign-in-as-member = For members
sign-in-code-title = Enter your code
sign-in-code-text = Enter the six digits that your authenticator app shows.
sign-in-code = Code
sign-in-code-hint = Without your phone, use one of the recovery codes that you kept.
sign-in-enrolment-title = Set up your authenticator
sign-in-enrolment-text = The staff console asks for a code of an authenticator app besides the password. Scan this picture with your app.
sign-in-enrolment-picture = QR code for the authenticator app
sign-in-enrolment-by-hand = If it cannot be scanned, type this into the app:
sign-in-enrolment-link = Open the authenticator app on this device
sign-in-enrolment-hint = Then enter the six digits that the app shows.
sign-in-enrolment-send = Set up
sign-in-recovery-title = Keep your recovery codes
sign-in-recovery-once = This page is shown only once.
sign-in-recovery-text = If you lose your phone, use one of these in place of a code. Each works once. Write them down or print them, and keep them in a safe place.
sign-in-recovery-on = I have kept them
sign-out-title = Sign out
sign-out-send = Sign out
sign-out-back = Back

staff-title = Staff console
staff-role = Role
staff-company = Company
staff-pages = Pages you can open
staff-page = Page
staff-page-about = What for
staff-rights = What your role may do
staff-page-keys = API keys
staff-page-keys-about = Create, rotate and revoke the keys by which your company's services connect
staff-page-ops = Status
staff-page-ops-about = See checks, jobs and figures of this installation

role-member = Member
role-developer = Developer
role-support = Support
role-supervisor = Support lead
role-sales = Sales and marketing
role-accounting = Accounting
role-sre = SRE
role-administrator = Administrator
role-auditor = Auditor

keys-none = There is no API key yet
keys-none-text = Create one to connect a service of your company.
keys-issued = Existing keys
keys-new = A new key
keys-label = Name
keys-label-hint = Name the service that will use it.
keys-label-wrong = Enter a name of 1 to 120 characters.
keys-standing = State
keys-open = Active
keys-revoked = Revoked
keys-expired = Expired
keys-needs = What it may do
keys-needs-none = Choose at least one thing that this key may do.
keys-needs-count = { $count ->
    [one] { $count } right
   *[other] { $count } rights
}
keys-created = Created
keys-expires = Expires
keys-expires-wrong = Enter today's date or a later one.
keys-used = Last used
keys-actions = Actions
keys-create = Create
keys-rotate = Rotate
keys-revoke = Revoke
keys-secret = This is the new key. Copy it now.
keys-secret-once = It cannot be shown again once you leave this page. After a rotation, the old one ends in 24 hours.

need-company-read = See the company's settings and units
need-company-manage = Open and change companies
need-unit-manage = Open and change units of value
need-staff-read = See staff and their roles
need-staff-manage = Invite staff and change roles
need-key-read = See the list of API keys
need-key-manage = Create, rotate and revoke API keys
need-webhook-read = See webhook endpoints and deliveries
need-webhook-manage = Change webhook endpoints, send deliveries again
need-audit-read = Read the audit trail
need-account-read = See accounts, balances, lots and statements
need-account-open = Open accounts
need-account-freeze = Freeze and thaw accounts
need-transfer-write = Post grants, redemptions, transfers and reversals
need-hold-write = Place, capture and void holds
need-expectation-write = Announce, fulfil and drop expectations
need-journal-read = Read the journal, movement by movement
need-journal-export = Take the journal out as a file
need-member-self = See one's own points and particulars, and act on them
need-desk-search = Find members and see the whole story of a point
need-member-manage = Change a member's particulars, suspend a member
need-adjustment-propose = Propose an adjustment
need-adjustment-approve = Approve an adjustment that somebody else proposed
need-offer-read = See shops, offers and campaigns
need-offer-manage = Change shops, offers and their rates
need-campaign-manage = Change campaigns and their budgets
need-conversion-read = See clicks and conversions
need-conversion-write = Report conversions and decisions, one by one
need-report-import = Import a network's file of decisions
need-conversion-decide = Decide conversions that wait for a person
need-conversion-approve = Approve what somebody else decided
need-claim-decide = Answer members who miss points
need-exchange-read = See exchanges and what became of them
need-payout-manage = Put payouts together, add gift codes
need-payout-approve = Approve payouts of somebody else
need-fraud-read = See held cases and their rules
need-fraud-manage = Release and deny held cases, change the rules
need-card-read = See cards and authorizations
need-card-manage = Freeze and replace members' cards
need-card-decide = Ask for card decisions
need-top_up-write = Turn points, gift codes and cash into balance
need-settlement-read = See settlements and the figures of a month
need-settlement-close = Close a month, settle between companies
need-ops-read = See how the installation does
need-ops-manage = Stop jobs, drain, switch

problem-key_malformed = This is no API key
problem-key_malformed-next = Check that it was copied whole.
problem-key_unknown = No such API key
problem-key_unknown-next = Check that it belongs to this installation.
problem-key_revoked = This API key was revoked
problem-key_revoked-next = Ask an administrator of your company for another.
problem-key_expired = This API key has expired
problem-key_expired-next = Use the new one.
problem-session_ended = You are signed out
problem-session_ended-next = Sign in again.
problem-second_factor_pending = The second step is missing
problem-second_factor_pending-next = Enter your code.
problem-sign_in_throttled = Too many attempts.
problem-sign_in_throttled-next = Wait five minutes and try again.
problem-sign_in_locked = Signing in failed too often and is locked for a while.
problem-sign_in_locked-next = Wait a quarter of an hour and try again.
problem-sign_in_wrong = We could not sign you in.
problem-sign_in_wrong-next = Check the mail address, the password and the code.
problem-sign_in_stale = The login has just changed.
problem-sign_in_stale-next = Sign in once more.
problem-second_factor_set = There is an authenticator already
problem-second_factor_set-next = Ask an administrator to reset it first.
problem-password_short = The password is too short
problem-password_short-next = It has at least 10 characters for members and 14 for staff. A sentence is a good one.
problem-password_long = The password is too long
problem-password_long-next = It has at most 200 bytes.
problem-password_plain = The password is too plain
problem-password_plain-next = Take one that neither repeats a few characters nor contains the mail address.
problem-mail_taken = This mail address has a login
problem-mail_taken-next = Sign in with it.
problem-person_taken = This person has a login
problem-person_taken-next = Use the mail address that is registered.
problem-login_unknown = No such login
problem-login_unknown-next = Check whose it is.
problem-role_misfit = The role does not fit
problem-role_misfit-next = Members have the role of a member, and staff have any other.
problem-key_id_taken = This key id is in use
problem-key_id_taken-next = Try again.
problem-key_needs_unfit = A key cannot have these rights
problem-key_needs_unfit-next = Choose at least one, and none that asks for a person.
problem-api_key_not_found = No such API key in this company
problem-api_key_not_found-next = Open the list again.

demo-title = About this demo
demo-terms-text =
    These are the sample terms of the demo: nothing here is bought, paid or owed, and nothing you enter leaves this machine.

    A company that runs Daifuku writes its own terms and names their address in the setting site.terms; members agree to them when they sign up.
demo-privacy-text =
    This is the sample privacy policy of the demo: what you enter stays in the demo's own file on this machine and is gone when the demo starts anew.

    A company that runs Daifuku writes its own policy and names its address in the setting site.privacy.
demo-clock = It is now
demo-ahead = Put forward by
demo-hours = { $hours ->
    [one] { $hours } hour
   *[other] { $hours } hours
}
demo-forward-day = One day on
demo-forward-month = Thirty days on
demo-forward-text = Decisions, expiries and the like come about as the clock is put forward. It cannot be put back.
demo-logins = Who can sign in
demo-person = Name
demo-mail = Mail address
demo-code = Code right now
demo-password = The password is the same for all:

member-nav-home = Home
member-nav-shops = Shops
member-nav-favourites = Favourites
member-nav-passbook = Passbook
member-nav-clicks = Clicks
member-nav-campaigns = Campaigns

## Exchange
member-nav-exchange = Exchange
staff-page-exchanges = Exchanges
staff-page-exchanges-about = Find an exchange by its number, release or deny those that wait
staff-page-payouts = Bank payouts
staff-page-payouts-about = Put payouts together, approve them, take in what the bank says
staff-page-gift-codes = Gift codes
staff-page-gift-codes-about = Take codes in and see what is left
staff-page-destinations = Destinations
staff-page-destinations-about = Set what points can be turned into: rates, fees, limits
staff-page-reconciliation = Reconciliation
staff-page-fraud = Fraud cases
staff-page-reconciliation-about = Compare statements of partners, and look at what differs
staff-page-fraud-about = Look at exchanges that are held, and change the rules
staff-home-overdue = Overdue fraud cases: { $count }
staff-home-overdue-text = Open “Fraud cases” and look at them first.

## Signing up, a lost password, settings, leaving

sign-up-title = Sign up
sign-up-lead = We send a code to your mail address. Signing up is free.
sign-up-terms-title = Agreement
sign-up-terms = I agree to the terms and the privacy policy
sign-up-terms-alone = I agree to the terms
footer-terms = Terms
footer-privacy = Privacy policy
sign-up-terms-missing = You need to agree to sign up. Read the terms, then tick the box.
sign-up-send = Send the code
sign-up-back = Back to signing in
sign-up-password-title = Choose a password
sign-up-password-send = Sign up
sign-in-new = New here?
reset-title = Forgotten your password?
reset-lead = We send a code to the mail address you signed up with. Enter it and choose a new password.
reset-send = Send the code
reset-password-title = A new password
reset-password-send = Change it and sign in
mail-wrong = This is not a mail address. Check what is before and after “@”.
mail-proof-code-title = Enter the code
mail-proof-sent = We sent a letter to { $mail }.
mail-proof-sent-next = Enter the six digits of the letter here, within 30 minutes.
mail-proof-code = Code
mail-proof-code-hint = Six digits.
mail-proof-code-send = Next
mail-proof-again = No letter? Start again
mail-proof-restart = Ask for another letter
new-mail = New mail address
mail-proof-link-lead = Press the button to go on with { $mail }.
mail-proof-link-send = Go on
mail-proof-done = { $mail } is confirmed.
new-password = New password
new-password-hint = At least 10 characters. No need for symbols or capitals: a long sentence is strong and easy to remember.
password-now = Your password
password-now-hint = So that we know it is you.
password-now-wrong = Wrong password
password-now-wrong-next = Enter your present password again. If you forgot it, sign out and choose a new one.
sentence-stop = .{" "}
settings-title = Settings
settings-back = Back to settings
settings-login = Signing in
settings-password-set = Set
settings-done-mail = Your mail address was changed
settings-done-mail-text = Other devices were signed out.
settings-done-password = Your password was changed
settings-done-password-text = Other devices were signed out.
settings-done-preferences = Saved
settings-done-preferences-text = { "" }
settings-done-sessions = Other devices were signed out
settings-done-sessions-text = { "" }
settings-done-passkey = The passkey was added
settings-done-passkey-text = Next time, sign in on this device without a password.
settings-done-passkey-removed = The passkey was removed
settings-done-passkey-removed-text = Remove it in the settings of your device as well.
settings-done-staying = You stay with us
settings-done-staying-text = You signed in, so you no longer leave. Your points are as they were.
change-mail-title = Change your mail address
change-mail-lead = Your mail address is { $mail }. We send a code to the new one, and tell the old one when it is done.
change-mail-send = Send the code
change-password-title = Change your password
change-password-lead = Other devices will be signed out.
change-password-send = Change
passkeys-title = Passkeys
passkeys-lead = Sign in with your finger, your face or the number of your device: no mail address, no password.
passkeys-script = Adding a passkey needs JavaScript.
passkey-add = Add a passkey of this device
passkey-remove = Remove
passkey-name = Name
passkey-since = Added
passkey-used = Last used
passkey-unused = Not used yet
passkey-label = Passkey of { $device }
passkey-label-plain = Passkey
passkey-or = or
passkey-sign-in = Sign in with a passkey
passkey-failed = The passkey was not accepted. Try once more, or use your password.
sessions-title = Where you are signed in
sessions-lead = If you do not know one of these, sign the other devices out and change your password.
session-where = Device
session-since = Signed in
session-seen = Last seen
session-here = This device
session-other = Another device
sessions-end = Sign other devices out
preferences-title = Mail
preferences-language = Language of letters
preferences-notices = Notices
preferences-notices-yes = Tell me when points expire, and the like
preferences-save = Save
data-title = Your data
data-about = Download what is kept about you: the passbook, clicks and purchases, exchanges, settings.
data-go = Download your data
data-lead = You get all that is kept about you in one file. Save it where nobody else can read it.
data-form = The file is JSON. For a spreadsheet, take the passbook as CSV.
data-send = Download
data-passbook = Download the passbook as CSV
leave-title = Leave
leave-about = When you leave, your points expire and your particulars are erased.
leave-go = Leave …
leave-lead = When you leave, you lose these points. Points that are not decided yet cannot be received later.
leave-days = If you sign in within { $days } days, you stay. After that it cannot be undone.
leave-erased = Your mail address, password, passkeys and settings are erased. The record of points is kept, as the law asks, under a number that is not tied to you.
leave-points = Points you lose
leave-announced = Points not decided yet
leave-sure-title = Be sure
leave-sure = I know that my points will be gone
leave-sure-missing = To leave, read what is lost and tick the box.
leave-send = Leave
leave-refused-held = Some points are in use
leave-refused-held-next = Wait until the payment or the exchange is done, then try again.
leave-refused-paid = There is balance that you bought
leave-refused-paid-next = Use it up or have it paid back, then try again.
leave-refused-ended = You have left already
leave-refused-ended-next = There is nothing more to do.
left-title = We received your request to leave
left-lead = Your membership ends in { $days } days. Sign in before that to stay. Thank you for having been with us.
left-back = Back to signing in
unsubscribe-title = Stop notices
unsubscribe-lead = You will get no more letters about points that expire and the like. Letters that you need, such as codes, still come.
unsubscribe-send = Stop notices
unsubscribed-title = You get no more notices
unsubscribed-lead = You can have them again in the settings.
problem-proof_throttled = This address was sent several letters
problem-proof_throttled-next = Look for them, also among unwanted mail. Wait a while before you ask again.
problem-proof_ended = This code or link no longer works
problem-proof_ended-next = It was used, is older than 30 minutes, or was tried too often. Ask for another letter.
problem-code_wrong = Another code
problem-code_wrong-next = Enter the six digits of the newest letter.
problem-passkey_wrong = The passkey was not accepted
problem-passkey_wrong-next = Try once more, or use your password.
problem-passkey_taken = You have this passkey already
problem-passkey_taken-next = Just sign in with it.
problem-passkeys_many = There are twenty passkeys
problem-passkeys_many-next = Remove one that you no longer use.
letter-sign-up-subject = Your code is { $code }
letter-sign-up-body = You are signing up to { $site }.

    Your code: { $code }

    Enter it on the page, or open this link, within 30 minutes:
    { $link }

    If this was not you, do nothing: nobody is signed up.
letter-sign-up-known-subject = You are a member already
letter-sign-up-known-body = Somebody asked to sign up to { $site } with this mail address, which has a membership already.

    Sign in here:
    { $address }/sign-in

    Choose a new password here if you forgot it:
    { $address }/password

    If this was not you, do nothing: nothing has changed.
letter-reset-subject = Your code is { $code }
letter-reset-body = You asked for a new password at { $site }.

    Your code: { $code }

    Enter it on the page, or open this link, within 30 minutes:
    { $link }

    If this was not you, do nothing: your password stays. Tell the code to nobody.
letter-reset-unknown-subject = No membership with this address
letter-reset-unknown-body = Somebody asked for a new password at { $site }, but there is no membership with this mail address.

    You may have signed up with another one. If you are new, sign up here:
    { $address }/sign-up

    If this was not you, do nothing.
letter-change-mail-subject = Your code is { $code }
letter-change-mail-body = You asked to change your mail address at { $site } to this one.

    Your code: { $code }

    Enter it on the page, or open this link where you are signed in, within 30 minutes:
    { $link }

    If this was not you, do nothing.
letter-change-mail-known-subject = This address is in use
letter-change-mail-known-body = Somebody asked to change their mail address at { $site } to this one, which another membership has already.

    If this was not you, do nothing: nothing has changed.
letter-welcome-subject = Welcome
letter-welcome-body = Welcome to { $site }.

    Go to shops through our list, and collect points:
    { $address }/shops

    Your passbook shows them at any time:
    { $address }/passbook
letter-password-changed-subject = Your password was changed
letter-password-changed-body = Your password at { $site } was changed, and other devices were signed out.

    If this was not you, choose a new password at once:
    { $address }/password
letter-mail-changed-subject = Your mail address was changed
letter-mail-changed-body = Your mail address at { $site } was changed to another one. This one no longer signs in.

    If this was not you, tell us at once:
    { $address }
letter-passkey-added-subject = A passkey was added
letter-passkey-added-body = “{ $passkey }” was added to signing in at { $site }.

    If this was not you, remove it in the settings and change your password:
    { $address }/settings
letter-leaving-subject = You asked to leave
letter-leaving-body = You asked to leave { $site }. Your membership ends on { $until }.

    To stay, sign in before that:
    { $address }/sign-in

    If this was not you, sign in at once and change your password.
mailbox-title = Mail that arrived
mailbox-lead = Letters that were sent inside the demo. None goes outside.
mailbox-empty = No letters yet
mailbox-empty-text = Sign up or ask for a new password, and a letter arrives here.
mailbox-to = To
mailbox-subject = Subject
mailbox-at = Arrived
mailbox-open = Read
mailbox-back = Back to the list

## Inviting friends
staff-page-referrals = Referrals to check
staff-page-referrals-about = Look at referrals that are held, and approve terms
staff-page-ranks = Ranks
staff-page-ranks-about = Set what members must reach and what ranks give
staff-page-referral-terms = Terms of inviting friends
staff-page-referral-terms-about = Set what inviting friends gives
settings-ranks = Your rank
settings-ranks-about = See your rank, its bonus and what the next rank takes.
settings-phone = Telephone number
settings-phone-about = Register, change or remove the number of your mobile phone.
settings-invite = Invite friends
settings-invite-about = See your link and how friends who joined are doing.
