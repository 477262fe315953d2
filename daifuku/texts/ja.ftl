sign-in-title = ログイン
sign-in-staff-title = 管理画面へのログイン
sign-in-first = この画面を見るには、ログインが必要です。
sign-in-mail = メールアドレス
sign-in-password = パスワード
sign-in-send = ログイン
sign-in-as-staff = 管理画面はこちら
sign-in-as-member = 会員の方はこちら
sign-in-code-title = 確認コードの入力
sign-in-code-text = 認証アプリに表示されている6けたの数字を入力してください。
sign-in-code = 確認コード
sign-in-code-hint = スマートフォンが手元にないときは、控えておいた回復コードも使えます。
sign-in-enrolment-title = 認証アプリの設定
sign-in-enrolment-text = 管理画面では、パスワードのほかに認証アプリの確認コードが必要です。お使いの認証アプリで、この図を読み取ってください。
sign-in-enrolment-picture = 認証アプリで読み取るQRコード
sign-in-enrolment-by-hand = 読み取れないときは、次の文字をアプリに入力してください。
sign-in-enrolment-link = この端末の認証アプリで開く
sign-in-enrolment-hint = 読み取ったあと、アプリに表示された6けたの数字を入力してください。
sign-in-enrolment-send = 設定する
sign-in-recovery-title = 回復コードを控えてください
sign-in-recovery-once = この画面は一度しか表示されません。
sign-in-recovery-text = スマートフォンをなくしたときは、確認コードの代わりに次のコードを使えます。それぞれ一回だけ有効です。紙に書くか印刷して、安全な場所に保管してください。
sign-in-recovery-on = 控えました
sign-out-title = ログアウト
sign-out-send = ログアウトする
sign-out-back = 戻る

staff-title = 管理画面
staff-role = 役割
staff-company = 会社
staff-pages = 開ける画面
staff-page = 画面
staff-page-about = できること
staff-rights = あなたの役割でできること
staff-page-keys = APIキー
staff-page-keys-about = 自社のサービスから接続するためのキーを、作成・更新・失効する
staff-page-ops = 稼働状況
staff-page-ops-about = 点検の結果と定期処理の状況を見る

role-member = 会員
role-developer = 開発者
role-support = サポート
role-supervisor = サポート責任者
role-sales = 営業・マーケティング
role-accounting = 経理
role-sre = SRE
role-administrator = 管理者
role-auditor = 監査

keys-none = APIキーはまだありません
keys-none-text = 自社のサービスを接続するには、まずキーを作成してください。
keys-issued = 発行済みのキー
keys-new = 新しいキー
keys-label = 名前
keys-label-hint = 使うサービスが分かる名前にしてください。
keys-label-wrong = 名前を1〜120文字で入力してください。
keys-standing = 状態
keys-open = 有効
keys-revoked = 失効
keys-expired = 期限切れ
keys-needs = できること
keys-needs-none = このキーでできることを、一つ以上選んでください。
keys-needs-count = { $count }件
keys-created = 作成日
keys-expires = 有効期限
keys-expires-wrong = 今日以降の日付を入力してください。
keys-used = 最終利用日
keys-actions = 操作
keys-create = 作成する
keys-rotate = 更新する
keys-revoke = 失効させる
keys-secret = 新しいキーです。今すぐ控えてください。
keys-secret-once = この画面を離れると、二度と表示できません。更新の場合、以前のキーは24時間後に使えなくなります。

need-company-read = 会社の設定とポイントの種類を見る
need-company-manage = 会社を登録・変更する
need-unit-manage = ポイントの種類を登録・変更する
need-staff-read = スタッフと役割を見る
need-staff-manage = スタッフを招き、役割を変える
need-key-read = APIキーの一覧を見る
need-key-manage = APIキーを作成・更新・失効する
need-webhook-read = Webhookの送信先と配信を見る
need-webhook-manage = Webhookの送信先を変え、送り直す
need-audit-read = 監査記録を読む
need-account-read = 口座、残高、ロット、明細を見る
need-account-open = 口座を開く
need-account-freeze = 口座を凍結・解除する
need-transfer-write = 付与、利用、振替、取消を記帳する
need-hold-write = 仮押さえ、売上確定、解放を行う
need-expectation-write = 獲得予定を登録し、確定または取り下げる
need-journal-read = 仕訳を一行ずつ読む
need-journal-export = 仕訳をファイルに書き出す
need-member-self = 自分のポイントと登録内容を見て、操作する
need-desk-search = 会員を探し、ポイントの経緯を見る
need-member-manage = 会員の登録内容を変え、利用を止める
need-adjustment-propose = 調整を申請する
need-adjustment-approve = ほかの人が申請した調整を承認する
need-offer-read = ショップ、広告、キャンペーンを見る
need-offer-manage = ショップ、広告、還元率を変える
need-campaign-manage = キャンペーンと予算を変える
need-conversion-read = クリックと成果を見る
need-conversion-write = 成果と判定を一件ずつ登録する
need-report-import = ASPの判定ファイルを取り込む
need-conversion-decide = 確認待ちの成果を判定する
need-conversion-approve = ほかの担当者の判定を承認する
need-claim-decide = ポイント未反映の問い合わせに回答する
need-exchange-read = 交換の一覧と結果を見る
need-payout-manage = 振込データの作成、ギフトコードの追加
need-payout-approve = ほかの担当者が作成した振込データを承認する
need-fraud-read = 保留中の案件とルールを見る
need-fraud-manage = 保留中の案件の解除・拒否、ルールの変更
need-card-read = カードとオーソリを見る
need-card-manage = 会員のカードを凍結・再発行する
need-card-decide = カードの可否判定を求める
need-top_up-write = ポイント、ギフトコード、現金をチャージする
need-settlement-read = 会社間の精算と月次の数字を見る
need-settlement-close = 月を締め、会社間で精算する
need-ops-read = 稼働状況を見る
need-ops-manage = 定期処理を止め、切り替える

problem-key_malformed = APIキーの形が正しくありません
problem-key_malformed-next = 全体をコピーできているか、ご確認ください。
problem-key_unknown = このAPIキーは登録されていません
problem-key_unknown-next = 接続先の環境が合っているか、ご確認ください。
problem-key_revoked = このAPIキーは失効しています
problem-key_revoked-next = 会社の管理者に、新しいキーを依頼してください。
problem-key_expired = このAPIキーは期限が切れています
problem-key_expired-next = 新しいキーをお使いください。
problem-session_ended = ログアウトしています
problem-session_ended-next = もう一度ログインしてください。
problem-second_factor_pending = 確認コードの入力が終わっていません
problem-second_factor_pending-next = 確認コードを入力してください。
problem-sign_in_throttled = 試した回数が多すぎます。
problem-sign_in_throttled-next = 5分ほど待ってから、もう一度お試しください。
problem-sign_in_locked = 間違いが続いたため、ログインを一時的に止めています。
problem-sign_in_locked-next = 15分ほど待ってから、もう一度お試しください。
problem-sign_in_wrong = 入力された内容ではログインできません。
problem-sign_in_wrong-next = メールアドレス、パスワード、確認コードをご確認ください。
problem-sign_in_stale = ログインの情報がちょうど変更されました。
problem-sign_in_stale-next = もう一度ログインしてください。
problem-second_factor_set = 認証アプリはすでに設定されています
problem-second_factor_set-next = 設定し直すには、管理者に解除を依頼してください。
problem-password_short = パスワードが短すぎます
problem-password_short-next = 会員は10文字以上、スタッフは14文字以上にしてください。文章にすると覚えやすくなります。
problem-password_long = パスワードが長すぎます
problem-password_long-next = 200バイト以内にしてください。
problem-password_plain = 推測されやすいパスワードです
problem-password_plain-next = 同じ文字の繰り返しやメールアドレスを含まないものにしてください。
problem-mail_taken = このメールアドレスは登録済みです
problem-mail_taken-next = そのアドレスでログインしてください。
problem-person_taken = この方にはすでにログインがあります
problem-person_taken-next = 登録済みのメールアドレスをお使いください。
problem-login_unknown = ログインが見つかりません
problem-login_unknown-next = 対象の方をご確認ください。
problem-role_misfit = 役割が合いません
problem-role_misfit-next = 会員は「会員」、スタッフはそれ以外の役割になります。
problem-key_id_taken = このキーの番号は使われています
problem-key_id_taken-next = もう一度お試しください。
problem-key_needs_unfit = キーに与えられない権限が含まれています
problem-key_needs_unfit-next = 人に限られる権限を外し、一つ以上を選んでください。
problem-api_key_not_found = APIキーが見つかりません
problem-api_key_not_found-next = 一覧を開き直して、ご確認ください。

demo-title = デモの案内
demo-terms-text =
    これはデモ用の見本の利用規約です。実際の買い物や支払いは発生せず、入力した内容がこのコンピューターの外に出ることはありません。

    大福帳を運営する会社は、自社の利用規約のアドレスを設定 site.terms に書きます。会員は登録のときにこれに同意します。
demo-privacy-text =
    これはデモ用の見本のプライバシーポリシーです。入力した内容はこのコンピューターにあるデモのファイルだけに置かれ、デモを始め直すと消えます。

    大福帳を運営する会社は、自社のプライバシーポリシーのアドレスを設定 site.privacy に書きます。
demo-clock = いまの時刻
demo-ahead = 進めた時間
demo-hours = { $hours }時間
demo-forward-day = 1日進める
demo-forward-month = 30日進める
demo-forward-text = 時計を進めると、判定や失効などがその分だけ進みます。戻すことはできません。
demo-logins = ログインできる人
demo-person = 名前
demo-mail = メールアドレス
demo-code = いまの確認コード
demo-password = パスワードはすべて同じです：

member-nav-home = ホーム
member-nav-shops = ショップ
member-nav-favourites = お気に入り
member-nav-passbook = 通帳
member-nav-clicks = クリック履歴
member-nav-campaigns = キャンペーン

## 交換
member-nav-exchange = 交換
staff-page-exchanges = 交換の照会
staff-page-exchanges-about = 交換を番号で探し、確認待ちの交換を進めるか取りやめる
staff-page-payouts = 銀行振込
staff-page-payouts-about = 支払う交換をまとめ、承認し、銀行の結果を反映する
staff-page-gift-codes = ギフトコード
staff-page-gift-codes-about = コードを取り込み、在庫を確かめる
staff-page-destinations = 交換先と条件
staff-page-destinations-about = ポイントの交換先のレート・手数料・上限を決める
staff-page-reconciliation = 提携先との突合
staff-page-fraud = 不正対策の案件
staff-page-reconciliation-about = 提携先の明細と照らし合わせ、一致しないものを調べる
staff-page-fraud-about = 保留にした交換を確認し、ルールを変える
staff-home-overdue = 期限を過ぎた不正対策の案件：{ $count }件
staff-home-overdue-text = 「不正対策の案件」から確認してください。

## 会員登録、パスワードの再設定、設定、退会

sign-up-title = 会員登録
sign-up-lead = メールアドレスに確認コードをお送りします。登録は無料です。
sign-up-terms-title = 同意事項
sign-up-terms = 利用規約とプライバシーポリシーに同意する
sign-up-terms-alone = 利用規約に同意する
footer-terms = 利用規約
footer-privacy = プライバシーポリシー
sign-up-terms-missing = 登録するには、同意が必要です。内容を確かめて、チェックを入れてください。
sign-up-send = 確認コードを送る
sign-up-back = ログイン画面へ
sign-up-password-title = パスワードの設定
sign-up-password-send = 登録する
sign-in-new = はじめての方は
reset-title = パスワードを忘れたとき
reset-lead = ご登録のメールアドレスに確認コードをお送りします。届いたコードを入力すると、新しいパスワードを決められます。
reset-send = 確認コードを送る
reset-password-title = 新しいパスワード
reset-password-send = 変更してログイン
mail-wrong = メールアドレスの形が正しくありません。「@」の前後をご確認ください。
mail-proof-code-title = 確認コードの入力
mail-proof-sent = { $mail } にメールを送りました。
mail-proof-sent-next = メールに書かれた6けたの数字を入力してください。30分以内に、この画面で入力する必要があります。
mail-proof-code = 確認コード
mail-proof-code-hint = 数字6けた。全角でも入力できます。
mail-proof-code-send = 次へ
mail-proof-again = 届かないとき、やり直すとき
mail-proof-restart = もう一度メールを送る
new-mail = 新しいメールアドレス
mail-proof-link-lead = { $mail } の確認を続けます。下のボタンを押してください。
mail-proof-link-send = 続ける
mail-proof-done = { $mail } を確認しました。
new-password = 新しいパスワード
new-password-hint = 10文字以上。記号や大文字を混ぜなくてもかまいません。長い文章ほど強く、覚えやすくなります。
password-now = いまのパスワード
password-now-hint = ご本人であることを確かめるために入力してください。
password-now-wrong = パスワードが違います
password-now-wrong-next = いまのパスワードをもう一度入力してください。忘れたときは、ログアウトして「パスワードを忘れたとき」から決め直せます。
sentence-stop = 。
settings-title = 設定
settings-back = 設定に戻る
settings-login = ログイン
settings-password-set = 設定済み
settings-done-mail = メールアドレスを変更しました
settings-done-mail-text = ほかの端末はログアウトしました。
settings-done-password = パスワードを変更しました
settings-done-password-text = ほかの端末はログアウトしました。
settings-done-preferences = 保存しました
settings-done-preferences-text = { "" }
settings-done-sessions = ほかの端末をログアウトしました
settings-done-sessions-text = { "" }
settings-done-passkey = パスキーを追加しました
settings-done-passkey-text = 次回から、この端末ではパスワードを入力せずにログインできます。
settings-done-passkey-removed = パスキーを削除しました
settings-done-passkey-removed-text = 端末に残っているパスキーも、端末の設定から削除してください。
settings-done-staying = 退会のお申し込みを取り消しました
settings-done-staying-text = ログインされたため、会員資格はそのまま続きます。ポイントも変わりません。
change-mail-title = メールアドレスの変更
change-mail-lead = いまのメールアドレスは { $mail } です。新しいメールアドレスに確認コードをお送りします。変更が終わると、いまのメールアドレスにもお知らせします。
change-mail-send = 確認コードを送る
change-password-title = パスワードの変更
change-password-lead = 変更すると、ほかの端末はログアウトします。
change-password-send = 変更する
passkeys-title = パスキー
passkeys-lead = 指紋や顔、端末の暗証番号でログインできます。メールアドレスもパスワードも入力しません。
passkeys-script = パスキーの追加には、JavaScriptが必要です。
passkey-add = この端末のパスキーを追加
passkey-remove = 削除
passkey-name = 名前
passkey-since = 追加した日時
passkey-used = 最後に使った日時
passkey-unused = まだ使っていません
passkey-label = { $device }のパスキー
passkey-label-plain = パスキー
passkey-or = または
passkey-sign-in = パスキーでログイン
passkey-failed = パスキーを確認できませんでした。もう一度お試しください。うまくいかないときは、パスワードをお使いください。
sessions-title = ログイン中の端末
sessions-lead = 心当たりのない端末があるときは、ほかの端末をログアウトし、パスワードを変更してください。
session-where = 端末
session-since = ログインした日時
session-seen = 最後の利用
session-here = この端末
session-other = ほかの端末
sessions-end = ほかの端末をログアウト
preferences-title = メールの設定
preferences-language = メールの言語
preferences-notices = お知らせ
preferences-notices-yes = ポイントの有効期限などのお知らせを受け取る
preferences-save = 保存する
data-title = あなたのデータ
data-about = 通帳、クリックと購入の記録、交換、設定など、保存している内容をダウンロードできます。
data-go = データをダウンロードする
data-lead = 保存している内容のすべてを、1つのファイルにまとめてお渡しします。ほかの人に見られない場所に保存してください。
data-form = ファイルはJSON形式です。表計算ソフトで開くには、通帳のCSVをお使いください。
data-send = ダウンロードする
data-passbook = 通帳をCSVでダウンロードする
leave-title = 退会
leave-about = 退会すると、ポイントは失効し、ご登録の情報は消去されます。
leave-go = 退会の手続きへ
leave-lead = 退会すると、次のポイントがなくなります。判定中のポイントは、あとで確定しても受け取れません。
leave-days = お申し込みから{ $days }日のあいだにログインすると、退会は取り消されます。過ぎると、元に戻すことはできません。
leave-erased = メールアドレス、パスワード、パスキー、設定は消去されます。ポイントの記録は、法令に従って、お名前と結び付かない番号で保存されます。
leave-points = なくなるポイント
leave-announced = 判定中のポイント
leave-sure-title = 確認
leave-sure = ポイントがなくなることを確かめました
leave-sure-missing = 退会するには、内容を確かめて、チェックを入れてください。
leave-send = 退会を申し込む
leave-refused-held = 手続き中のポイントがあります
leave-refused-held-next = 支払いや交換が終わってから、もう一度お申し込みください。
leave-refused-paid = 購入された残高があります
leave-refused-paid-next = 使い切るか、払い戻しを受けてから、もう一度お申し込みください。
leave-refused-ended = 退会の手続きは済んでいます
leave-refused-ended-next = これ以上の手続きは必要ありません。
left-title = 退会のお申し込みを受け付けました
left-lead = { $days }日後に退会となります。それまでにログインすると、取り消されます。ご利用ありがとうございました。
left-back = ログイン画面へ
unsubscribe-title = お知らせメールの停止
unsubscribe-lead = ポイントの有効期限などのお知らせが届かなくなります。確認コードなど、手続きに必要なメールは届きます。
unsubscribe-send = お知らせを止める
unsubscribed-title = お知らせを止めました
unsubscribed-lead = もう一度受け取りたいときは、設定から変更できます。
problem-proof_throttled = このアドレスには、短いあいだに何通もメールをお送りしています
problem-proof_throttled-next = 届いているメールをご確認ください。迷惑メールのフォルダーに入っていることもあります。しばらくたってから、もう一度お試しください。
problem-proof_ended = このコードまたはリンクは使えません
problem-proof_ended-next = 使用済みか、30分を過ぎたか、入力を何度も間違えています。もう一度メールをお送りします。
problem-code_wrong = 確認コードが違います
problem-code_wrong-next = いちばん新しいメールの6けたの数字を入力してください。
problem-passkey_wrong = パスキーを確認できませんでした
problem-passkey_wrong-next = もう一度お試しください。うまくいかないときは、パスワードをお使いください。
problem-passkey_taken = このパスキーは追加済みです
problem-passkey_taken-next = そのままログインにお使いください。
problem-passkeys_many = パスキーは20個までです
problem-passkeys_many-next = 使っていないパスキーを削除してから、追加してください。
letter-sign-up-subject = 確認コード { $code }
letter-sign-up-body = { $site }への会員登録のお申し込みを受け付けました。

    確認コード： { $code }

    登録の画面にこのコードを入力するか、次のリンクを開いてください。30分以内にお願いします。
    { $link }

    お心当たりがないときは、このメールを破棄してください。登録は完了しません。
letter-sign-up-known-subject = すでに会員登録がお済みです
letter-sign-up-known-body = { $site }への会員登録のお申し込みがありましたが、このメールアドレスは登録済みです。

    ログインはこちら：
    { $address }/sign-in

    パスワードを忘れたときは、こちらから決め直せます：
    { $address }/password

    お心当たりがないときは、このメールを破棄してください。何も変わりません。
letter-reset-subject = 確認コード { $code }
letter-reset-body = { $site }のパスワードを決め直すお申し込みを受け付けました。

    確認コード： { $code }

    画面にこのコードを入力するか、次のリンクを開いてください。30分以内にお願いします。
    { $link }

    お心当たりがないときは、このメールを破棄してください。パスワードは変わりません。コードは、どなたにも教えないでください。
letter-reset-unknown-subject = 会員登録が見つかりません
letter-reset-unknown-body = { $site }のパスワードを決め直すお申し込みがありましたが、このメールアドレスの会員登録はありません。

    別のメールアドレスで登録されているかもしれません。はじめての方は、こちらから登録できます：
    { $address }/sign-up

    お心当たりがないときは、このメールを破棄してください。
letter-change-mail-subject = 確認コード { $code }
letter-change-mail-body = { $site }のメールアドレスを、このアドレスに変更するお申し込みを受け付けました。

    確認コード： { $code }

    変更の画面にこのコードを入力するか、ログインしている端末で次のリンクを開いてください。30分以内にお願いします。
    { $link }

    お心当たりがないときは、このメールを破棄してください。
letter-change-mail-known-subject = このメールアドレスは登録済みです
letter-change-mail-known-body = { $site }のメールアドレスを、このアドレスに変更するお申し込みがありましたが、すでにほかの会員登録に使われています。

    お心当たりがないときは、このメールを破棄してください。何も変わりません。
letter-welcome-subject = 会員登録が完了しました
letter-welcome-body = { $site }へようこそ。

    お買い物の前に、ショップの一覧からお店へお進みください。ポイントがたまります。
    { $address }/shops

    たまったポイントは、通帳でいつでも確かめられます。
    { $address }/passbook
letter-password-changed-subject = パスワードが変更されました
letter-password-changed-body = { $site }のパスワードが変更され、ほかの端末はログアウトしました。

    お心当たりがないときは、すぐにパスワードを決め直してください：
    { $address }/password
letter-mail-changed-subject = メールアドレスが変更されました
letter-mail-changed-body = { $site }のメールアドレスが、別のアドレスに変更されました。このアドレスではログインできなくなりました。

    お心当たりがないときは、すぐにお問い合わせください：
    { $address }
letter-passkey-added-subject = パスキーが追加されました
letter-passkey-added-body = { $site }のログインに、「{ $passkey }」が追加されました。

    お心当たりがないときは、設定から削除し、パスワードを変更してください：
    { $address }/settings
letter-leaving-subject = 退会のお申し込みを受け付けました
letter-leaving-body = { $site }の退会のお申し込みを受け付けました。{ $until } に退会となります。

    取り消すときは、それまでにログインしてください：
    { $address }/sign-in

    お心当たりがないときは、すぐにログインして、パスワードを変更してください。
mailbox-title = 届いたメール
mailbox-lead = デモの中で送られたメールです。外には送られません。
mailbox-empty = まだメールはありません
mailbox-empty-text = 会員登録やパスワードの再設定をすると、ここに届きます。
mailbox-to = 宛先
mailbox-subject = 件名
mailbox-at = 届いた日時
mailbox-open = 読む
mailbox-back = 一覧に戻る

## 友達紹介
staff-page-referrals = 友達紹介の確認
staff-page-referrals-about = 止まっている紹介を確認し、条件を承認する
staff-page-ranks = 会員ランク
staff-page-ranks-about = ランクの条件と特典を決める
staff-page-referral-terms = 友達紹介の条件
staff-page-referral-terms-about = 紹介の特典と条件を決める
settings-ranks = 会員ランク
settings-ranks-about = いまのランクと特典、次のランクの条件を見られます。
settings-phone = 電話番号の設定
settings-phone-about = 携帯電話の番号を登録・変更・削除できます。
settings-invite = 友達紹介
settings-invite-about = あなたの紹介リンクと、登録した友達の状況を見られます。
