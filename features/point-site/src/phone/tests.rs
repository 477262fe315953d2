use std::sync::Arc;

use crate::exchange::tests::stories::{ask as quote, furnish, take};
use crate::payee::store::read_changes;
use crate::phone::{
    AskPhoneCode, EnterPhoneCode, KeptNumber, NoteSms, PhoneEntered, PhoneError, PhoneNumber,
    PhoneRefusal, RemovePhone, SENDS_A_DAY, Sms, SmsResult, SmsState, code_hash, find_phones,
    job::read_answer, store::list_due,
};
use crate::sms_sandbox::{self, SmsSandbox};
use crate::step_up::Particular;
use crate::tests::{HANA, OURS, Stage, play, wait};
use access::testing::member;
use ledger::ActorNumber;
use mail::{Body, Category, Letter, Recipient};
use store::natural_id;
use vocabulary::{Clock as _, Id, Label, ManualClock, Timestamp, kind};
use web::testing::{Client, door_with, frame};
use web::{OpenToAll, ServerOptions, StatusCode};

const TARO: Id<kind::Member> = Id::from_bits(0x0192_0000_0000_0000_0000_0000_0000_0002);
const FIRST: &str = "090-1234-5678";
const SECOND: &str = "080-1111-2222";

#[test]
fn numbers_are_read_as_people_type_them() {
    let good = [
        "09012345678",
        "090-1234-5678",
        "０９０ー１２３４ー５６７８",
        "(090) 1234 5678",
        "+81 90-1234-5678",
        "＋81（0）90.1234.5678",
    ];
    for text in good {
        let number = PhoneNumber::parse(text).unwrap();
        assert_eq!(number.e164(), "+819012345678", "{text}");
        assert_eq!(number.masked(), "090-••••-5678");
        assert_eq!(format!("{number:?}"), "PhoneNumber(…)");
    }
    let bad = [
        ("", PhoneError::Shape),
        ("hana@example.jp", PhoneError::Shape),
        ("0901234567", PhoneError::Shape),
        ("090123456789", PhoneError::Shape),
        ("090-1234-567٨", PhoneError::Shape),
        ("03-1234-5678", PhoneError::NotMobile),
        ("050-1234-5678", PhoneError::NotMobile),
        ("0120-123-456", PhoneError::NotMobile),
        ("+1 202 555 0143", PhoneError::Foreign),
        ("+", PhoneError::Foreign),
    ];
    for (text, error) in bad {
        assert_eq!(PhoneNumber::parse(text), Err(error), "{text:?}");
    }
    assert!(PhoneNumber::parse("060-1234-5678").is_ok(), "the newest mobile numbers");
}

fn letter(stage: &Stage, member: Id<kind::Member>) -> Letter {
    let moment = stage.clock.now().as_microseconds().to_be_bytes();
    Letter {
        id: natural_id("test.letter", &[&member.to_bytes(), &moment]),
        company: OURS,
        category: Category::Service,
        to: Recipient::Member(member),
        subject: Label::parse("x").unwrap(),
        body: Body::parse("x").unwrap(),
    }
}

fn ask(
    stage: &Stage,
    member: Id<kind::Member>,
    (text, code): (&str, &str),
) -> Result<bool, PhoneRefusal> {
    let vault = &stage.site.config().exchange.vault;
    let number = PhoneNumber::parse(text).unwrap();
    let command = AskPhoneCode {
        company: OURS,
        member,
        number: KeptNumber::seal(&number, member, vault).unwrap(),
        code_hash: code_hash(vault, member, code),
        message: Sms::write((OURS, member), &number, code, vault, stage.clock.now()),
    };
    stage.site.store().run(command).unwrap()
}

fn enter(stage: &Stage, member: Id<kind::Member>, code: &str) -> PhoneEntered {
    let code_hash = code_hash(&stage.site.config().exchange.vault, member, code);
    let letter = letter(stage, member);
    let command =
        EnterPhoneCode { company: OURS, member, code_hash, letter, by: ActorNumber::new(OURS, 7) };
    let Ok(entered) = stage.site.store().run(command).unwrap();
    entered
}

fn remove(stage: &Stage, member: Id<kind::Member>) -> bool {
    let command =
        RemovePhone { member, letter: letter(stage, member), by: ActorNumber::new(OURS, 7) };
    let Ok(removed) = stage.site.store().run(command).unwrap();
    removed
}

fn shown(stage: &Stage, member: Id<kind::Member>) -> Option<String> {
    let find = |reader: &mut store::Reader<'_>| find_phones(reader, &[member]);
    let mut found = stage.site.store().database().read(find).unwrap();
    let phone = found.remove(&member)?;
    let vault = &stage.site.config().exchange.vault;
    let number = phone.number.open(member, vault).unwrap();
    assert_eq!(number.masked(), phone.number.shown.as_str());
    assert!(phone.number.open(Id::from_bits(99), vault).is_none(), "a seal is its member's");
    Some(number.e164())
}

fn changed_at(stage: &Stage, member: Id<kind::Member>) -> Option<Timestamp> {
    let find = |reader: &mut store::Reader<'_>| read_changes(reader, &[member]);
    let mut found = stage.site.store().database().read(find).unwrap();
    let changes = found.remove(&member)?;
    changes.iter().find(|(one, _)| *one == Particular::Phone).map(|(_, at)| *at)
}

#[test]
fn a_first_number_is_no_change_and_every_later_one_is() {
    play(|stage| {
        assert_eq!(enter(stage, HANA, "111111"), PhoneEntered::Ended, "nothing was asked");
        assert_eq!(ask(stage, HANA, (FIRST, "111111")), Ok(true));
        assert_eq!(ask(stage, HANA, (FIRST, "222222")), Ok(false), "one has just been sent");
        assert_eq!(ask(stage, HANA, (SECOND, "222222")), Err(PhoneRefusal::TooSoon));
        assert_eq!(enter(stage, HANA, "222222"), PhoneEntered::Wrong { left: 4 });
        assert_eq!(shown(stage, HANA), None);
        assert_eq!(enter(stage, HANA, "111 111"), PhoneEntered::Proved);
        assert_eq!(enter(stage, HANA, "111111"), PhoneEntered::Proved, "a repeat");
        assert_eq!(shown(stage, HANA).as_deref(), Some("+819012345678"));
        assert_eq!(changed_at(stage, HANA), None);
        assert_eq!(ask(stage, HANA, (FIRST, "333333")), Err(PhoneRefusal::Same));
        stage.clock.advance_seconds(60);
        assert_eq!(ask(stage, HANA, (SECOND, "333333")), Ok(true));
        assert_eq!(shown(stage, HANA).as_deref(), Some("+819012345678"), "until it is proved");
        assert_eq!(enter(stage, HANA, "333333"), PhoneEntered::Proved);
        assert_eq!(shown(stage, HANA).as_deref(), Some("+818011112222"));
        let first_change = changed_at(stage, HANA);
        assert_eq!(first_change, Some(stage.clock.now()));
        stage.clock.advance_seconds(60);
        assert!(remove(stage, HANA));
        assert!(!remove(stage, HANA), "a repeat");
        assert_eq!(
            enter(stage, HANA, "333333"),
            PhoneEntered::Ended,
            "an old code brings nothing back"
        );
        assert_eq!((shown(stage, HANA), changed_at(stage, HANA)), (None, Some(stage.clock.now())));
        stage.clock.advance_seconds(86_400);
        assert_eq!(ask(stage, HANA, (FIRST, "444444")), Ok(true));
        assert_eq!(enter(stage, HANA, "444444"), PhoneEntered::Proved);
        assert_eq!(changed_at(stage, HANA), Some(stage.clock.now()), "removing hides no change");
    });
}

#[test]
fn after_a_change_of_number_exchanges_meet_the_rule_for_some_days() {
    play(|stage| {
        furnish(stage, 5_000);
        let exchange = || take(stage, &quote(stage, HANA, "gift", 300), None);
        ask(stage, HANA, (FIRST, "111111")).unwrap();
        assert_eq!(enter(stage, HANA, "111111"), PhoneEntered::Proved);
        assert_eq!(exchange(), "held", "points, and no rule");
        stage.clock.advance_seconds(60);
        ask(stage, HANA, (SECOND, "222222")).unwrap();
        assert_eq!(exchange(), "held", "a number that is not proved changes nothing");
        assert_eq!(enter(stage, HANA, "222222"), PhoneEntered::Proved);
        assert_eq!(exchange(), "denied");
        stage.clock.advance_seconds(3 * 86_400);
        assert_eq!(exchange(), "held", "the days of care are over");
    });
}

#[test]
fn a_number_is_one_members_and_only_who_holds_it_is_told() {
    play(|stage| {
        ask(stage, HANA, (FIRST, "111111")).unwrap();
        assert_eq!(enter(stage, HANA, "111111"), PhoneEntered::Proved);
        stage.clock.advance_seconds(60);
        assert_eq!(ask(stage, TARO, (FIRST, "222222")), Ok(true), "as any other number");
        assert_eq!(enter(stage, TARO, "111111"), PhoneEntered::Wrong { left: 4 }, "another's code");
        assert_eq!(enter(stage, TARO, "222222"), PhoneEntered::Taken);
        assert_eq!(shown(stage, TARO), None);
        assert!(remove(stage, HANA));
        assert_eq!(enter(stage, TARO, "222222"), PhoneEntered::Ended, "that code was used");
        stage.clock.advance_seconds(60);
        ask(stage, TARO, (FIRST, "333333")).unwrap();
        assert_eq!(enter(stage, TARO, "333333"), PhoneEntered::Proved);
        assert_eq!(shown(stage, TARO).as_deref(), Some("+819012345678"));
    });
}

#[test]
fn nobody_is_sent_codes_without_end() {
    play(|stage| {
        for turn in 0..SENDS_A_DAY {
            assert_eq!(ask(stage, HANA, (FIRST, "111111")), Ok(true), "{turn}");
            stage.clock.advance_seconds(600);
        }
        assert_eq!(enter(stage, HANA, "111111"), PhoneEntered::Ended, "ten minutes are over");
        assert_eq!(ask(stage, HANA, (SECOND, "1")), Err(PhoneRefusal::TooMany), "the member");
        assert_eq!(ask(stage, TARO, (FIRST, "1")), Err(PhoneRefusal::TooMany), "the number");
        assert_eq!(ask(stage, TARO, (SECOND, "222222")), Ok(true));
        for left in [4, 3, 2, 1] {
            assert_eq!(enter(stage, TARO, "0"), PhoneEntered::Wrong { left });
        }
        assert_eq!(enter(stage, TARO, "0"), PhoneEntered::Ended);
        assert_eq!(enter(stage, TARO, "222222"), PhoneEntered::Ended, "the right one is too late");
        stage.clock.advance_seconds(86_400);
        assert_eq!(ask(stage, HANA, (FIRST, "111111")), Ok(true), "another day");
    });
}

#[test]
fn a_message_is_tried_again_wiped_when_it_went_and_given_up_in_time() {
    play(|stage| {
        let vault = &stage.site.config().exchange.vault;
        let due = || {
            let now = stage.clock.now();
            stage.site.store().database().read(|reader| list_due(reader, now, 10)).unwrap()
        };
        let note = |message, result| {
            let Ok(()) = stage.site.store().run(NoteSms { message, result }).unwrap();
        };
        ask(stage, HANA, (FIRST, "111111")).unwrap();
        let [sms] = &due()[..] else { panic!("one waits") };
        let opened = sms.open(vault);
        assert_eq!(opened, Some(("+819012345678".to_owned(), "111111".to_owned())));
        note(sms.id, SmsResult::Again);
        assert!(due().is_empty(), "after a rest");
        stage.clock.advance_seconds(5);
        let [sms] = &due()[..] else { panic!("one waits") };
        note(sms.id, SmsResult::Taken);
        note(sms.id, SmsResult::Again);
        stage.clock.advance_seconds(60);
        assert!(due().is_empty(), "it went");
        let mut sms = Sms { due_at: stage.clock.now(), ..sms.clone() };
        let mut rests = Vec::new();
        while sms.state == SmsState::Waiting {
            let now = sms.due_at;
            sms = sms.tried(SmsResult::Again, now);
            rests.push(sms.due_at.microseconds_since(now).div_euclid(1_000_000));
        }
        assert_eq!(rests, [15, 45, 135, 0], "the code would be over before the next try");
        assert_eq!((sms.state, sms.note.as_deref()), (SmsState::Failed, Some("no_answer")));
        assert_eq!(sms.open(vault), None, "wiped");
    });
}

/// Reads the code that waits to be sent.
fn code_on_its_way(stage: &Stage) -> String {
    let now = stage.clock.now();
    let due = stage.site.store().database().read(|reader| list_due(reader, now, 10)).unwrap();
    let (_to, text) = due.last().unwrap().open(&stage.site.config().exchange.vault).unwrap();
    let digits: String = text.chars().skip_while(|mark| !mark.is_ascii_digit()).take(6).collect();
    assert!(digits.bytes().all(|byte| byte.is_ascii_digit()), "{text}");
    digits
}

#[test]
fn a_member_registers_a_number_and_removes_it_by_pages() {
    play(|stage| {
        let seat = |id| member(40, OURS, id);
        let hana = stage.client(Some(seat(HANA)));
        let taro = stage.client(Some(seat(TARO)));
        wait(async {
            let went = |answer: &web::testing::Answer, to: &str| {
                assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
                assert_eq!(answer.header("location"), to);
            };
            let wrong = |answer: &web::testing::Answer, text: &str| {
                assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
                assert!(answer.text.contains(text), "{text}: {}", answer.text);
            };
            went(&hana.get("/settings/phone/code").await, "/settings/phone");
            went(
                &hana.post_form("/settings/phone/code", &[("code", "1")]).await,
                "/settings/phone",
            );
            went(&hana.post_form("/settings/phone/remove", &[]).await, "/settings/phone");
            let bad = [("", "11桁"), ("03-1234-5678", "携帯電話"), ("+1 202 555 0143", "日本の")];
            for (typed, text) in bad {
                wrong(&hana.post_form("/settings/phone", &[("phone", typed)]).await, text);
            }
            let typed = [("phone", "０９０ー１２３４ー５６７８")];
            went(&hana.post_form("/settings/phone", &typed).await, "/settings/phone/code");
            let code = code_on_its_way(stage);
            assert!(hana.get("/settings/phone/code").await.text.contains("090-••••-5678"));
            // Somebody else's proof is none of theirs.
            went(&taro.get("/settings/phone/code").await, "/settings/phone");
            let other = taro.post_form("/settings/phone/code", &[("code", &code)]).await;
            went(&other, "/settings/phone");
            let soon = hana.post_form("/settings/phone", &[("phone", SECOND)]).await;
            wrong(&soon, "30秒");
            let again = hana.post_form("/settings/phone/code/send", &[]).await;
            went(&again, "/settings/phone/code");
            wrong(&hana.post_form("/settings/phone/code", &[("code", "x")]).await, "あと4回");
            let entered = hana.post_form("/settings/phone/code", &[("code", &code)]).await;
            went(&entered, "/settings/phone?done=proved");
            let page = hana.get("/settings/phone?done=proved").await.text;
            assert!(page.contains("090-••••-5678") && !page.contains("1234"), "{page}");
            wrong(&hana.post_form("/settings/phone", &typed).await, "登録済み");
            stage.clock.advance_seconds(60);
            went(&taro.post_form("/settings/phone", &typed).await, "/settings/phone/code");
            let code = code_on_its_way(stage);
            let taken = taro.post_form("/settings/phone/code", &[("code", &code)]).await;
            wrong(&taken, "ほかの会員");
            let removed = hana.post_form("/settings/phone/remove", &[]).await;
            went(&removed, "/settings/phone?done=removed");
            assert!(!hana.get("/settings/phone").await.text.contains("5678"));
        });
    });
}

#[test]
fn what_a_provider_answers_is_told_apart() {
    let refused = |code: &str| SmsResult::Refused(code.to_owned());
    let table = [
        (201, "{\"sid\":\"SM1\"}", SmsResult::Taken),
        (400, "{\"code\":21211,\"message\":\"Invalid\"}", refused("21211")),
        (400, "<html>", refused("400")),
        (401, "{\"code\":20003}", SmsResult::Again),
        (429, "{\"code\":20429}", SmsResult::Again),
        (500, "", SmsResult::Again),
        (302, "", SmsResult::Again),
    ];
    for (status, body, result) in table {
        assert_eq!(read_answer(status, body.as_bytes()), result, "{status} {body}");
    }
}

#[test]
fn messages_go_over_http_as_a_provider_takes_them() {
    let clock = Arc::new(ManualClock::new(crate::tests::at("2026-11-01 12:00")));
    let sandbox = SmsSandbox::new(("user", "password"), clock);
    let frame = frame(&[crate::TEXTS]);
    let routes = sms_sandbox::routes(&sandbox);
    let door = door_with(routes, ServerOptions::default(), frame, Arc::new(OpenToAll)).unwrap();
    let door = Arc::new(door);
    let stranger = Client::new(Arc::clone(&door));
    // user:password
    let client = Client::new(door).header("authorization", "Basic dXNlcjpwYXNzd29yZA==");
    wait(async {
        let message = [("To", "+819012345678"), ("From", "DAIFUKU"), ("Body", "<b>1</b>")];
        let refused = stranger.post_form("/sandbox/sms/messages", &message).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        let taken = client.post_form("/sandbox/sms/messages", &message).await;
        assert_eq!(taken.status, StatusCode::CREATED);
        let nobody = [("To", "+819012340000"), ("From", "DAIFUKU"), ("Body", "1")];
        let nobody = client.post_form("/sandbox/sms/messages", &nobody).await;
        assert_eq!(read_answer(nobody.status.as_u16(), nobody.text.as_bytes()), {
            SmsResult::Refused("21211".to_owned())
        });
        let page = stranger.get("/sandbox/sms").await.text;
        assert!(page.contains("&#60;b&#62;1") || page.contains("&lt;b&gt;1"), "{page}");
    });
    assert_eq!(sandbox.taken().len(), 1);
}
