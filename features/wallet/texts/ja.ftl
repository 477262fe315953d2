wallet-home = ホーム
wallet-passbook = 通帳
wallet-file = CSVでダウンロード
wallet-file-heading = 日時,内容,種類,単位,増減,残高,判定中の増減,確保の増減
wallet-units = ポイントの種類
wallet-unit = ポイント
wallet-amount = { $figure }{ $unit }
wallet-unit-jpy = 円

wallet-day = { $year }年{ $month }{ $day }日
wallet-month = { $year }年{ $month }
wallet-month-1 = 1月
wallet-month-2 = 2月
wallet-month-3 = 3月
wallet-month-4 = 4月
wallet-month-5 = 5月
wallet-month-6 = 6月
wallet-month-7 = 7月
wallet-month-8 = 8月
wallet-month-9 = 9月
wallet-month-10 = 10月
wallet-month-11 = 11月
wallet-month-12 = 12月
wallet-weekday-0 = 日
wallet-weekday-1 = 月
wallet-weekday-2 = 火
wallet-weekday-3 = 水
wallet-weekday-4 = 木
wallet-weekday-5 = 金
wallet-weekday-6 = 土

wallet-usable-points = 使えるポイント
wallet-usable = 使える残高
wallet-posted = 残高
wallet-reserved = 予約中
wallet-overdue = 期限切れ（記載待ち）
wallet-expected = 判定中
wallet-next-expiry = 次の失効
wallet-no-expiry = 予定はありません
wallet-until = { $day }まで

wallet-soon = まもなく失効するポイントがあります
wallet-soon-text = { $amount }の有効期限は{ $day }です。
wallet-soon-idle-text = { $amount }は、{ $day }までにご利用や獲得がないと失効します。
wallet-if-idle = ご利用や獲得、ログインがない場合
wallet-use-now = いますぐ使う
wallet-notice-subject = 【重要】{ $day }に{ $amount }が失効します
wallet-notice-body =
    いつもご利用いただきありがとうございます。

    お持ちのポイントのうち { $amount } の有効期限が近づいています。

    有効期限: { $day }

    期限までにご利用ください。下のページで、交換先をすぐに選べます。
    { $address }/passbook?show=expiry

    このお知らせは、有効期限の30日前と7日前にお送りしています。
    受け取りを希望されない場合は、設定から変更できます。
wallet-notice-idle =
    いつもご利用いただきありがとうございます。

    しばらくご利用がないため、お持ちの { $amount } の有効期限が近づいています。

    有効期限: { $day }

    期限までにログイン、ポイントの獲得、または交換をしていただくと、期限は延長されます。
    { $address }/passbook?show=expiry

    このお知らせは、有効期限の30日前と7日前にお送りしています。
    受け取りを希望されない場合は、設定から変更できます。
wallet-owing = ポイントが不足しています
wallet-owing-text = ポイントの取り消しにより、{ $amount }の不足があります。次に獲得したポイントから差し引かれます。
wallet-frozen = このポイントは一時停止中です
wallet-frozen-text = お支払いや交換はできません。お心当たりがない場合は、サポートへご連絡ください。

wallet-tab-all = すべて
wallet-tab-pending = 判定中
wallet-tab-expiry = 失効予定
wallet-column-day = 日付
wallet-column-what = お取り扱い内容
wallet-column-change = 増減
wallet-carried = これより前の残高（繰越）
wallet-beginning = 通帳のはじまり
wallet-pencil = うすい色の数字は、判定中や予約中のポイントです。残高には含まれません。
wallet-latest = 最近の記載
wallet-whole-passbook = 通帳をすべて見る
wallet-find-shop = ショップを探す
wallet-ranks = 会員ランク
wallet-invite = 友達を招待する

wallet-closed = 通帳はまだありません
wallet-closed-text = はじめてポイントを獲得すると、ここに通帳ができます。
wallet-empty = まだ記載がありません
wallet-empty-text = ショップを利用すると、数日で「判定中」として記載されます。
wallet-pending-empty = 判定中のポイントはありません
wallet-pending-empty-text = ショップを利用してから記載されるまで、数日かかることがあります。
wallet-pending-text = ショップの確認が済むと、使えるポイントになります。
wallet-due = { $day }ごろ判定
wallet-due-over = 判定の目安を過ぎています
wallet-due-unknown = 判定日は未定
wallet-expiry-empty = お持ちのポイントはありません
wallet-expiry-empty-text = ポイントを獲得すると、有効期限ごとにここへ並びます。
wallet-expiry-text = お持ちのポイントを、有効期限の近い順に並べています。
wallet-of-it-reserved = うち{ $amount }は予約中
wallet-never = 期限なし
wallet-badge-soon = まもなく失効
wallet-badge-over = 期限切れ

wallet-line-received = 受け取り
wallet-line-sent = 送付
wallet-line-earned = ポイント獲得
wallet-line-used = ポイント利用
wallet-line-exchanged = 交換
wallet-line-paid-out = 払い出し
wallet-line-topped-up = チャージ
wallet-line-adjusted = 調整
wallet-line-expired = ポイント失効
wallet-line-reversed = 取り消し
wallet-line-owed = 不足分
wallet-line-reserved = お支払いの予約
wallet-line-paid = お支払い
wallet-line-released = 予約の取り消し
wallet-line-expected = 獲得予定
wallet-line-lowered = 獲得予定の変更

wallet-badge-waiting = 判定中
wallet-badge-declined = 無効
wallet-badge-valid = 有効
wallet-badge-decided = 判定済み
wallet-badge-changed = 変更
wallet-badge-reserved = 予約中
wallet-badge-captured = 支払い済み
wallet-badge-voided = 取り消し
wallet-badge-lapsed = 時間切れ
wallet-badge-ended = 終了

wallet-story = これまでの流れ
wallet-details = 記載の内容
wallet-back = ← 通帳へ戻る
wallet-to-shop = ショップのページへ
wallet-planned = 獲得予定は{ $amount }
wallet-step-clicked = ショップを利用
wallet-step-recorded = 通帳に記載
wallet-step-raised = 獲得予定が増えました
wallet-step-lowered = 獲得予定が減りました
wallet-step-declined = 無効と判定
wallet-step-valid = 有効なポイントに
wallet-step-checking = ショップが確認中
wallet-step-to-be-valid = 有効なポイントになる
wallet-step-reserved = お支払いを予約
wallet-step-reserved-more = 予約を追加
wallet-step-held = お店の確定待ち
wallet-step-to-be-paid = お支払いの確定
wallet-step-paid = お支払いが確定
wallet-step-released = 予約の取り消し
wallet-step-lapsed = 期限により予約を解除
wallet-step-reversed = 取り消し
wallet-step-expired = 有効期限により失効
wallet-step-posted = 通帳に記載
wallet-checking-text = 返品や取り消しがないかを、ショップが確認しています。
wallet-checking-late-text = 判定の目安を過ぎています。ショップの確認をお待ちください。
wallet-declined-text = ショップの確認の結果、獲得の条件を満たしませんでした。
wallet-held-text = お店がお支払いを確定するまで、ポイントをお取り置きしています。
wallet-paid-rest = { $amount }をお支払い。残りの{ $rest }はお戻ししました。
wallet-about = { $day }ごろまで
wallet-list-comma = 、
wallet-lot = { $amount }（{ $day }まで）
wallet-lot-never = { $amount }（期限なし）
wallet-lot-bought = { $amount }（購入分、{ $day }まで）
wallet-lot-bought-never = { $amount }（購入分、期限なし）
wallet-lot-owed = { $amount }（不足分に充当）
wallet-recorded-at = 日時
wallet-what = 種類
wallet-lots = 内訳と有効期限
wallet-balance-after = 記載後の残高
wallet-number = 記載番号

problem-payment_id_reused = この番号は使われています
problem-payment_id_reused-next = 新しい番号で、もう一度お試しください。
problem-payment_ended = このお支払いは終わっています
problem-payment_ended-next = 通帳で結果をご確認ください。
problem-payment_above_hold = 予約したポイントを超えています
problem-payment_above_hold-next = 予約した範囲で、もう一度お試しください。
problem-payment_points_short = ポイントが足りません
problem-payment_points_short-next = 使えるポイントを通帳でご確認ください。
problem-payment_account_frozen = このポイントは一時停止中です
problem-payment_account_frozen-next = サポートへご連絡ください。
problem-payment_not_possible = このお支払いはできません
problem-payment_not_possible-next = お店またはサポートへご連絡ください。
