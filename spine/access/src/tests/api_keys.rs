use super::stage::{OURS, Stage, THEIRS, at, play};
use crate::{
    ApiKeyText, ChangeApiKey, ChangeApiKeyRefusal, KeyChange, KeyRefusal, KeyRing, Need, NeedSet,
    NoteUse, Role, SessionLimits, Sessions, Subject, list_api_keys, testing,
};
use ledger::ActorNumber;
use vocabulary::{CompanyNumber, Id, Label, Zone, kind};

const KEY: Id<kind::ApiKey> = Id::from_bits(77);

fn command(company: CompanyNumber, change: KeyChange) -> ChangeApiKey {
    let by = testing::staff(0, OURS, Role::Developer);
    ChangeApiKey { by, request: None, company, key: KEY, change }
}

fn create(text: &ApiKeyText, needs: &[Need]) -> KeyChange {
    KeyChange::Create {
        label: Label::parse("till").unwrap(),
        needs: needs.iter().copied().collect(),
        expires_at: Some(at(10_000)),
        public_id: text.public_id(),
        hash: text.hash(),
    }
}

fn rotate(text: &ApiKeyText, overlap_seconds: u32) -> KeyChange {
    KeyChange::Rotate { public_id: text.public_id(), hash: text.hash(), overlap_seconds }
}

fn ring(stage: &Stage<'_>) -> KeyRing {
    KeyRing::load(stage.database).unwrap()
}

#[test]
fn a_key_lives_from_creation_to_revocation() {
    play(|stage| {
        let [first, second, third] = [(); 3].map(|()| ApiKeyText::draw(&mut stage.chance));
        let stays = ring(stage);
        assert!(stays.is_empty(), "there is no key yet");
        let created = stage.send(command(OURS, create(&first, &[Need::HoldWrite]))).unwrap();
        assert_eq!(created.key.actor.ordinal(), 1);
        assert_eq!(stays.find(&first.expose(), at(1)), Err(KeyRefusal::Unknown), "not refreshed");
        stays.refresh(stage.database).unwrap();
        let found = stays.find(&first.expose(), at(1)).unwrap();
        assert_eq!((found.actor(), found.company()), (created.key.actor, OURS));
        assert_eq!(found.subject(), Subject::ApiKey(KEY));
        assert_eq!(found.needs().to_string(), "hold.write");

        let rotated = stage.send(command(OURS, rotate(&second, 100))).unwrap();
        assert_eq!(rotated.old_valid_until, Some(at(100)));
        stage.wait(50);
        // Rotated again in a hurry: the first secret ends no later than it would have.
        stage.send(command(OURS, rotate(&third, 1_000))).unwrap();
        let ring = ring(stage);
        assert_eq!(ring.len(), 3);
        let table = [
            (&first, 99, None),
            (&first, 100, Some(KeyRefusal::Expired)),
            (&second, 1_049, None),
            (&second, 1_050, Some(KeyRefusal::Expired)),
            (&third, 9_999, None),
            (&third, 10_000, Some(KeyRefusal::Expired)),
        ];
        for (line, (text, seconds, refusal)) in table.into_iter().enumerate() {
            assert_eq!(ring.find(&text.expose(), at(seconds)).err(), refusal, "line {line}");
        }

        let revoked = stage.send(command(OURS, KeyChange::Revoke)).unwrap();
        assert_eq!(revoked.key.revoked_at, Some(at(50)));
        ring.refresh(stage.database).unwrap();
        for text in [&first, &second, &third] {
            assert_eq!(ring.find(&text.expose(), at(60)), Err(KeyRefusal::Revoked));
        }
        stage.wait(50);
        let again = stage.send(command(OURS, KeyChange::Revoke)).unwrap();
        assert_eq!(again, revoked, "a repeat changes nothing");
        let keys = stage.database.read(|reader| list_api_keys(reader, OURS)).unwrap();
        assert_eq!(keys, [revoked.key]);
        let by = ActorNumber::new(OURS, 0).get();
        let lines = ["create", "rotate", "rotate", "revoke"]
            .map(|verb| format!("{by} api_key.{verb} done\n"))
            .concat();
        assert_eq!(stage.trail(), lines);
    });
}

#[test]
fn what_is_no_key_is_refused() {
    play(|stage| {
        let text = ApiKeyText::draw(&mut stage.chance);
        let other = ApiKeyText::draw(&mut stage.chance);
        stage.send(command(OURS, create(&text, &[Need::HoldWrite]))).unwrap();
        let ring = ring(stage);
        let good = text.expose();
        assert_eq!(good.len(), 56);
        let other_text = other.expose();
        let (public, secret) = good.split_at(13);
        let mixed = format!("{public}{}", other_text.split_at(13).1);
        let short = good.split_at(55).0;
        let table = [
            (good.clone(), None),
            (String::new(), Some(KeyRefusal::Malformed)),
            ("dfk_".to_owned(), Some(KeyRefusal::Malformed)),
            (good.replace("dfk_", "dfx_"), Some(KeyRefusal::Malformed)),
            (good.to_uppercase(), Some(KeyRefusal::Malformed)),
            (short.to_owned(), Some(KeyRefusal::Malformed)),
            (format!("{good}A"), Some(KeyRefusal::Malformed)),
            (format!("{short} "), Some(KeyRefusal::Malformed)),
            ("dfk_大福大福_x".to_owned(), Some(KeyRefusal::Malformed)),
            (other_text, Some(KeyRefusal::Unknown)),
            (mixed, Some(KeyRefusal::Unknown)),
        ];
        for (presented, refusal) in table {
            assert_eq!(ring.find(&presented, at(1)).err(), refusal, "{presented}");
        }
        assert_eq!(format!("{text:?}"), format!("dfk_{}_…", text.public_id()));
        assert!(!format!("{ring:?}").contains(secret), "no secret is shown");
    });
}

#[test]
fn a_key_is_changed_only_as_it_may() {
    play(|stage| {
        let text = ApiKeyText::draw(&mut stage.chance);
        let other = ApiKeyText::draw(&mut stage.chance);
        let needs = &[Need::HoldWrite];
        let other_key =
            ChangeApiKey { key: Id::from_bits(78), ..command(OURS, create(&text, needs)) };
        let unfit = Some(ChangeApiKeyRefusal::NeedsUnfit);
        let taken = Some(ChangeApiKeyRefusal::IdTaken);
        let not_found = Some(ChangeApiKeyRefusal::NotFound);
        let table = [
            (command(OURS, KeyChange::Revoke), not_found),
            (command(OURS, rotate(&text, 0)), not_found),
            (command(OURS, create(&text, &[])), unfit),
            (command(OURS, create(&text, &[Need::HoldWrite, Need::StaffManage])), unfit),
            (command(OURS, create(&text, needs)), None),
            (command(OURS, create(&text, needs)), None),
            (command(OURS, create(&text, &[Need::AccountRead])), taken),
            (command(OURS, create(&other, needs)), taken),
            (command(THEIRS, create(&text, needs)), taken),
            (other_key, taken),
            (command(THEIRS, rotate(&other, 0)), not_found),
            (command(THEIRS, KeyChange::Revoke), not_found),
            (command(OURS, rotate(&other, 60)), None),
            (command(OURS, rotate(&other, 60)), None),
            (command(OURS, KeyChange::Revoke), None),
            (command(OURS, rotate(&ApiKeyText::draw(&mut stage.chance), 60)), not_found),
        ];
        for (line, (command, refusal)) in table.clone().into_iter().enumerate() {
            assert_eq!(stage.send(command).err(), refusal, "line {line}");
        }
        assert_eq!(stage.trail().lines().count(), 3, "refusals and repeats leave no entry");
        assert_eq!(ring(stage).len(), 2);
    });
    play(|stage| {
        // The same, decided in one slice: each sees what the one before it left.
        let text = ApiKeyText::draw(&mut stage.chance);
        let other = ApiKeyText::draw(&mut stage.chance);
        let slice = [
            command(OURS, create(&text, &[Need::HoldWrite])),
            command(OURS, rotate(&other, 60)),
            command(THEIRS, KeyChange::Revoke),
        ];
        let answers = stage.send_all(&slice).into_iter().map(Result::err).collect::<Vec<_>>();
        assert_eq!(answers, [None, None, Some(ChangeApiKeyRefusal::NotFound)]);
        let ring = ring(stage);
        assert_eq!(ring.find(&text.expose(), at(60)).err(), Some(KeyRefusal::Expired));
        assert!(ring.find(&other.expose(), at(60)).is_ok(), "the new secret goes on");
    });
}

#[test]
fn use_is_noted_once_a_day() {
    play(|stage| {
        let text = ApiKeyText::draw(&mut stage.chance);
        stage.send(command(OURS, create(&text, &[Need::HoldWrite]))).unwrap();
        let ring = ring(stage);
        let sessions = Sessions::new(SessionLimits::MEMBER, SessionLimits::STAFF);
        let take = || NoteUse::take(&sessions, &ring, at(0));
        assert!(take().is_none(), "nothing was used");
        ring.find(&text.expose(), at(1)).unwrap();
        ring.refresh(stage.database).unwrap();
        let note = take().expect("a refresh does not forget it");
        assert!(take().is_none(), "it was taken");
        stage.send(note).unwrap();
        ring.refresh(stage.database).unwrap();
        ring.find(&text.expose(), at(2)).unwrap();
        assert!(take().is_none(), "the row knows of this day");
        let keys = stage.database.read(|reader| list_api_keys(reader, OURS)).unwrap();
        assert_eq!(keys[0].last_used_on, Some(Zone::UTC.day_of(at(1))));
        assert_eq!(keys[0].needs, NeedSet::parse("hold.write").unwrap());
    });
}
