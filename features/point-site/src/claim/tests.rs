use core::fmt::Write as _;

use expect_test::expect;

use crate::bonus::{Move, Standing, Target, grant_due, next_move};
use crate::claim::store::{find_claims, list_events};
use crate::claim::{
    ChangeClaim, Claim, ClaimChange, ClaimKind, ClaimRefusal, ClaimState, FileClaim, Guarantee,
    Purchase, Recorded, SaveGuarantee, Word, follow,
};
use crate::conversion::{Authority, ConversionKey, ConversionState, Source, Status, Told};
use crate::follow_up::follow_conversions;
use crate::tests::{HANA, OURS, Stage, THEIRS, at, play, tell, token, wait};
use access::testing::{member, staff};
use access::{Authenticated, Role};
use ledger::ActorNumber;
use store::testing::TestDatabase;
use vocabulary::{Amount, Day, Id, Reference, Timestamp, kind};

const ORDER: &str = "R-100";

fn guarantee() -> Guarantee {
    Guarantee {
        offer: Id::from_bits(1 << 80 | 1),
        starts_at: at("2026-10-01 00:00"),
        offered: true,
        file_after_days: 8,
        file_within_days: 60,
        late_within_days: 30,
        return_days: 14,
        answer_days: 14,
    }
}

fn clerk() -> Authenticated {
    staff(5, OURS, Role::Support)
}

fn lead() -> Authenticated {
    staff(6, OURS, Role::Supervisor)
}

fn hana() -> Authenticated {
    member(7, OURS, HANA)
}

fn order(text: &str) -> Reference {
    Reference::parse(text).unwrap()
}

/// Promises what is promised, and files a claim of Hana's about a click.
pub(crate) fn file(
    stage: &Stage,
    click: Id<kind::Click>,
    conversion: Option<Id<kind::Conversion>>,
) -> Result<Id<kind::Claim>, ClaimRefusal> {
    let save = SaveGuarantee { company: OURS, guarantee: guarantee() };
    let Ok(()) = stage.site.store().run(save).unwrap();
    let command = FileClaim {
        company: OURS,
        by: hana(),
        member: HANA,
        click,
        conversion,
        order: order(ORDER),
        purchased_on: Day::parse("2026-11-01").unwrap(),
        sale: Amount::from(10_000),
        details: "注文のメールは届いています。".to_owned(),
    };
    stage.site.store().run(command).unwrap()
}

pub(crate) fn change(
    stage: &Stage,
    claim: Id<kind::Claim>,
    by: Authenticated,
    change: ClaimChange,
) -> Result<(), ClaimRefusal> {
    let config = stage.site.shared_config();
    stage.site.store().run(ChangeClaim { config, claim, by, change }).unwrap()
}

fn grant(stage: &Stage, claim: Id<kind::Claim>, points: u32) {
    let propose = ClaimChange::Propose(Amount::from(points), "店舗に確認済み".to_owned());
    change(stage, claim, clerk(), propose).unwrap();
    change(stage, claim, lead(), ClaimChange::Approve).unwrap();
}

fn read(stage: &Stage, claim: Id<kind::Claim>) -> Claim {
    let find = |reader: &mut store::Reader<'_>| find_claims(reader, OURS, &[claim]);
    stage.site.store().database().read(find).unwrap().remove(&claim).unwrap()
}

/// Lets the network say something about the order, and lets follow what follows.
fn say(stage: &Stage, click: Id<kind::Click>, status: Status, sale: i64) {
    let told = Told {
        key: ConversionKey {
            network: token("accesstrade"),
            account: token("main"),
            external: order("900"),
        },
        entry: None,
        click: Some(click),
        order: Some(order(ORDER)),
        item: None,
        occurred_at: at("2026-11-01 12:10"),
        sale,
        commission: sale.saturating_mul(3).div_euclid(100),
        currency: None,
        status: Some(status),
        reason: None,
        test: false,
        authority: Authority::Decides,
        source: Source::Report(Id::from_bits(2)),
    };
    stage.say(vec![told]);
    while follow_conversions(&stage.site).unwrap() > 0 {}
}

#[test]
fn what_can_be_claimed_when() {
    let clicked_at = at("2026-11-01 12:00");
    let decided_at = at("2026-11-20 09:00");
    let recorded = |state, order_text: &str| Recorded {
        id: Id::from_bits(1),
        state,
        order: Reference::parse(order_text).ok(),
        due_at: Some(clicked_at.plus_days(60)),
    };
    let tracked = ConversionState::Tracked { expectation: None };
    let own = Some(Id::from_bits(1));
    let none = Vec::new;
    let table = [
        ("2026-11-08 23:59", none(), None, Err(ClaimRefusal::TooEarly)),
        ("2026-11-09 00:00", none(), None, Ok(ClaimKind::Unrecorded)),
        ("2026-12-31 23:59", none(), None, Ok(ClaimKind::Unrecorded)),
        ("2027-01-01 00:00", none(), None, Err(ClaimRefusal::TooLate)),
        ("2026-11-20 00:00", vec![recorded(tracked, "")], None, Err(ClaimRefusal::Recorded)),
        ("2026-11-20 00:00", vec![recorded(tracked, ORDER)], None, Err(ClaimRefusal::Recorded)),
        ("2026-11-20 00:00", vec![recorded(tracked, "R-2")], None, Ok(ClaimKind::Unrecorded)),
        ("2026-12-31 23:59", vec![recorded(tracked, ORDER)], own, Err(ClaimRefusal::TooEarly)),
        ("2027-01-01 00:00", vec![recorded(tracked, ORDER)], own, Ok(ClaimKind::Undecided)),
        ("2027-01-31 00:00", vec![recorded(tracked, ORDER)], own, Err(ClaimRefusal::TooLate)),
        ("2026-12-31 00:00", none(), own, Err(ClaimRefusal::NotFound)),
        (
            "2026-11-20 09:00",
            vec![recorded(ConversionState::Rejected { decided_at }, ORDER)],
            own,
            Ok(ClaimKind::Rejected),
        ),
        (
            "2026-12-21 00:00",
            vec![recorded(ConversionState::Rejected { decided_at }, ORDER)],
            own,
            Err(ClaimRefusal::TooLate),
        ),
        (
            "2026-11-20 09:00",
            vec![recorded(ConversionState::Approved { decided_at }, ORDER)],
            own,
            Err(ClaimRefusal::AlreadyGranted),
        ),
        (
            "2026-11-20 09:00",
            vec![recorded(ConversionState::NeedsReview, ORDER)],
            own,
            Err(ClaimRefusal::UnderReview),
        ),
    ];
    for (now, recorded, conversion, expected) in table {
        let purchase =
            Purchase { clicked_at, guarantee: Some(guarantee()), recorded: recorded.clone() };
        let found = purchase.claimable(conversion, Some(&order(ORDER)), at(now));
        assert_eq!(found, expected, "{now} {recorded:?}");
    }
    let promised_not = Guarantee { offered: false, ..guarantee() };
    for guarantee in [None, Some(promised_not)] {
        let purchase = Purchase { clicked_at, guarantee, recorded: Vec::new() };
        let found = purchase.claimable(None, None, at("2026-11-20 00:00"));
        assert_eq!(found, Err(ClaimRefusal::NotGuaranteed));
    }
}

/// What can happen to a claimed purchase, in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Grant,
    PayDay,
    Tracked,
    Approved,
    Rejected,
}

const GRANTED: Amount = Amount::magnitude(150);
const REPORTED: Amount = Amount::magnitude(120);

/// A claim and its purchase without a database.
#[derive(Clone, Copy, Debug)]
struct Play {
    kind: ClaimKind,
    state: ClaimState,
    bonus: Standing,
    word: Word,
    now: Timestamp,
    version: u32,
}

impl Play {
    fn new(kind: ClaimKind, word: Word) -> Self {
        let now = at("2026-11-20 12:00");
        Self { kind, state: ClaimState::Open, bonus: Standing::Nothing, word, now, version: 0 }
    }

    fn settle(&mut self, target: Target) {
        while let Some(next) = next_move(self.bonus, target) {
            self.version += 1;
            let version = self.version;
            self.bonus = match next {
                Move::Note(standing) => standing,
                Move::Announce { amount, grant_at, .. } => {
                    Standing::Announced { amount, version, grant_at }
                }
                Move::Change { to, grant_at, version, .. } => {
                    Standing::Announced { amount: to, version, grant_at }
                }
                Move::Drop { .. } | Move::TakeBack { .. } => Standing::Nothing,
                Move::Fulfil { amount, .. } => {
                    Standing::Granted { amount, version, reserved: true }
                }
                Move::Grant { amount } => Standing::Granted { amount, version, reserved: false },
            };
        }
    }

    fn happen(&mut self, event: Event) {
        self.now = self.now.plus_days(20);
        match event {
            Event::Grant => self.grant(),
            Event::PayDay => {
                if let Some(grant_at) = self.bonus.grant_at() {
                    self.now = self.now.max(grant_at);
                    self.settle(Target::Granted { amount: self.bonus.amount() });
                }
            }
            Event::Tracked if self.word == Word::None => self.word = Word::Tracked,
            Event::Approved => self.word = Word::Approved,
            Event::Rejected if self.word != Word::Approved => {
                self.word = Word::Rejected { decided_at: self.now };
            }
            Event::Tracked | Event::Rejected => {}
        }
        if let Some(next) = follow(self.kind, self.state, self.word, self.bonus.granted()) {
            self.settle(next.target);
            self.state = next.state;
        }
    }

    fn grant(&mut self) {
        let mut claim = claim(self.kind);
        claim.state = self.state;
        let propose = ClaimChange::Propose(GRANTED, String::new());
        let (one, other) = (ActorNumber::new(OURS, 1), ActorNumber::new(OURS, 2));
        if let Ok(proposed) = claim.change(&propose, one, self.word, self.now) {
            claim.state = proposed.state;
            if let Ok(granted) = claim.change(&ClaimChange::Approve, other, self.word, self.now) {
                self.settle(granted.target);
                self.state = granted.state;
            }
        }
    }

    /// What the member has in the end, of the claim and of the conversion.
    fn has(&self) -> (Amount, Amount) {
        let claim = if self.bonus.granted() { self.bonus.amount() } else { Amount::ZERO };
        (claim, if self.word == Word::Approved { REPORTED } else { Amount::ZERO })
    }
}

fn claim(kind: ClaimKind) -> Claim {
    Claim {
        id: Id::from_bits(3),
        company: OURS,
        member: HANA,
        click: Id::from_bits(4),
        shop: Id::from_bits(5),
        shop_name: vocabulary::Label::parse("ほんだな書店").unwrap(),
        kind,
        conversion: None,
        order: order(ORDER),
        purchased_on: Day::parse("2026-11-01").unwrap(),
        sale: Amount::from(10_000),
        estimate: GRANTED,
        details: String::new(),
        return_days: 14,
        filed_at: at("2026-11-20 12:00"),
        due_at: at("2026-12-04 12:00"),
        owner: None,
        version: 1,
        state: ClaimState::Open,
    }
}

/// All orders of some of the events.
fn orders(left: &[Event], sofar: &mut Vec<Event>, all: &mut Vec<Vec<Event>>) {
    all.push(sofar.clone());
    for (place, event) in left.iter().enumerate() {
        let mut rest = left.to_vec();
        rest.remove(place);
        sofar.push(*event);
        orders(&rest, sofar, all);
        sofar.pop();
    }
}

#[test]
fn in_every_order_of_events_exactly_one_is_paid() {
    let events = [Event::Grant, Event::PayDay, Event::Tracked, Event::Approved, Event::Rejected];
    let mut all = Vec::new();
    orders(&events, &mut Vec::new(), &mut all);
    assert_eq!(all.len(), 326);
    let starts = [
        (ClaimKind::Unrecorded, Word::None),
        (ClaimKind::Undecided, Word::Tracked),
        (ClaimKind::Rejected, Word::Rejected { decided_at: at("2026-11-19 12:00") }),
    ];
    for (kind, word) in starts {
        for order in &all {
            let mut play = Play::new(kind, word);
            for event in order {
                play.happen(*event);
                let (claimed, reported) = play.has();
                assert!(
                    claimed.is_zero() || reported.is_zero(),
                    "both are paid: {order:?} {play:?}"
                );
                // What is announced is announced once.
                let announced = matches!(play.bonus, Standing::Announced { .. });
                assert!(!announced || play.word != Word::Tracked, "{order:?} {play:?}");
            }
            if order.contains(&Event::Approved) {
                assert_eq!(play.has(), (Amount::ZERO, REPORTED), "{order:?} {play:?}");
            }
            // Once nothing more is to come, a grant that the network never contradicts is paid.
            if !order.contains(&Event::Approved) && !order.contains(&Event::Rejected) {
                play.happen(Event::PayDay);
                let granted = matches!(play.state, ClaimState::Granted { .. });
                assert_eq!(play.has().0, if granted { GRANTED } else { Amount::ZERO }, "{order:?}");
            }
        }
    }
}

#[test]
fn who_may_do_what_when() {
    let (one, other) = (ActorNumber::new(OURS, 1), ActorNumber::new(OURS, 2));
    let now = at("2026-11-20 12:00");
    let text = String::new;
    let changes = [
        ("answer", ClaimChange::Answer(text())),
        ("withdraw", ClaimChange::Withdraw),
        ("take", ClaimChange::Take),
        ("ask", ClaimChange::Ask(text())),
        ("send", ClaimChange::Send),
        ("propose", ClaimChange::Propose(GRANTED, text())),
        ("propose nothing", ClaimChange::Propose(Amount::ZERO, text())),
        ("send back", ClaimChange::SendBack(text())),
        ("approve", ClaimChange::Approve),
        ("refuse", ClaimChange::Refuse(text())),
    ];
    let states = [
        ClaimState::Open,
        ClaimState::Asked,
        ClaimState::Sent,
        ClaimState::Proposed { points: GRANTED, by: one },
        ClaimState::Proposed { points: GRANTED, by: other },
        ClaimState::Granted { points: GRANTED, granted_at: now, pay_at: now },
        ClaimState::Merged,
    ];
    let mut told = String::new();
    for (name, change) in &changes {
        write!(told, "{name}:").unwrap();
        for state in states {
            let claim = Claim { state, ..claim(ClaimKind::Unrecorded) };
            let next = match claim.change(change, other, Word::None, now) {
                Ok(next) => next.state.code(),
                Err(refusal) => refusal.code(),
            };
            write!(told, " {next}").unwrap();
        }
        told.push('\n');
    }
    expect![[r"
        answer: state_unfit open state_unfit state_unfit state_unfit state_unfit state_unfit
        withdraw: withdrawn withdrawn withdrawn state_unfit state_unfit state_unfit state_unfit
        take: open asked sent proposed proposed state_unfit state_unfit
        ask: asked asked asked state_unfit state_unfit state_unfit state_unfit
        send: sent sent sent state_unfit state_unfit state_unfit state_unfit
        propose: proposed proposed proposed state_unfit state_unfit state_unfit state_unfit
        propose nothing: points_unfit points_unfit points_unfit state_unfit state_unfit state_unfit state_unfit
        send back: state_unfit state_unfit state_unfit open open state_unfit state_unfit
        approve: state_unfit state_unfit state_unfit granted same_person state_unfit state_unfit
        refuse: refused refused refused state_unfit state_unfit state_unfit state_unfit
    "]]
    .assert_eq(&told);
    let proposed = Claim {
        state: ClaimState::Proposed { points: GRANTED, by: one },
        ..claim(ClaimKind::Unrecorded)
    };
    let late = proposed.change(&ClaimChange::Approve, other, Word::Approved, now);
    assert_eq!(late, Err(ClaimRefusal::Overtaken));
}

#[test]
fn a_claim_is_granted_by_two_people_and_paid_when_goods_cannot_be_returned() {
    let expected = expect![[r"
        filed: open, has 0 expects 0 owes 0
        proposed: proposed, has 0 expects 0 owes 0
        by one person: SamePerson
        granted: granted, has 0 expects 150 owes 0
        a day early: 0, has 0 expects 150 owes 0
        on the day: 1, has 150 expects 0 owes 0
        again: 0, has 150 expects 0 owes 0
        filed proposed granted
    "]];
    tell(&expected, |stage| {
        let mut text = String::new();
        let click = stage.click(1, stage.books);
        assert_eq!(file(stage, click, None), Err(ClaimRefusal::TooEarly));
        stage.clock.set(at("2026-11-10 12:00"));
        let id = file(stage, click, None).unwrap();
        assert_eq!(file(stage, click, None), Ok(id), "a repeat is the same claim");
        let state = |stage: &Stage| read(stage, id).state.code();
        writeln!(text, "filed: {}, {}", state(stage), stage.purse()).unwrap();
        let propose = ClaimChange::Propose(Amount::from(150), "確認済み".to_owned());
        change(stage, id, lead(), propose).unwrap();
        writeln!(text, "proposed: {}, {}", state(stage), stage.purse()).unwrap();
        let alone = change(stage, id, lead(), ClaimChange::Approve).unwrap_err();
        writeln!(text, "by one person: {alone:?}").unwrap();
        change(stage, id, staff(9, OURS, Role::Accounting), ClaimChange::Approve).unwrap();
        writeln!(text, "granted: {}, {}", state(stage), stage.purse()).unwrap();
        let twice = change(stage, id, staff(9, OURS, Role::Accounting), ClaimChange::Approve);
        assert_eq!(twice, Err(ClaimRefusal::StateUnfit));
        stage.clock.set(at("2026-11-15 23:59"));
        let granted = grant_due(&stage.site).unwrap();
        writeln!(text, "a day early: {granted}, {}", stage.purse()).unwrap();
        stage.clock.set(at("2026-11-16 00:00"));
        let granted = grant_due(&stage.site).unwrap();
        writeln!(text, "on the day: {granted}, {}", stage.purse()).unwrap();
        let granted = grant_due(&stage.site).unwrap();
        writeln!(text, "again: {granted}, {}", stage.purse()).unwrap();
        let list = |reader: &mut store::Reader<'_>| list_events(reader, id);
        let events = stage.site.store().database().read(list).unwrap();
        let actions: Vec<_> = events.iter().map(|event| event.action.code()).collect();
        writeln!(text, "{}", actions.join(" ")).unwrap();
        text
    });
}

/// Plays events on a real ledger: `F`iled, `G`ranted, paid on the `D`ay, `T`racked, `A`pproved,
/// `R`ejected.
fn live(events: &str) -> String {
    let test = TestDatabase::sqlite();
    let stage = Stage::open(&test, crate::Trust::Reports);
    let click = stage.click(1, stage.books);
    stage.clock.set(at("2026-11-10 12:00"));
    let mut id = None;
    for event in events.chars() {
        stage.clock.advance_seconds(3_600);
        match event {
            'F' => id = Some(file(&stage, click, None).unwrap()),
            'G' => grant(&stage, id.unwrap(), 150),
            'D' => {
                stage.clock.set(at("2026-11-20 12:00"));
                grant_due(&stage.site).unwrap();
            }
            'T' => say(&stage, click, Status::Occurred, 8_000),
            'A' => say(&stage, click, Status::Approved, 8_000),
            _ => say(&stage, click, Status::Rejected, 8_000),
        }
    }
    format!("{events}: {} {}", read(&stage, id.unwrap()).state.code(), stage.purse())
}

#[test]
fn a_late_report_takes_the_claims_place_on_the_ledger() {
    let stories = [
        "FGD", "FT", "FA", "FGT", "FGTA", "FGTR", "FGTRGD", "FGA", "FGDT", "FGDTA", "FGDTR",
        "FGDA", "FGTDA", "FGR",
    ];
    let told: Vec<String> = stories.iter().map(|story| live(story)).collect();
    expect![[r"
        FGD: granted has 150 expects 0 owes 0
        FT: merged has 0 expects 120 owes 0
        FA: merged has 120 expects 0 owes 0
        FGT: waiting has 0 expects 120 owes 0
        FGTA: merged has 120 expects 0 owes 0
        FGTR: open has 0 expects 0 owes 0
        FGTRGD: granted has 150 expects 0 owes 0
        FGA: merged has 120 expects 0 owes 0
        FGDT: granted has 150 expects 120 owes 0
        FGDTA: merged has 120 expects 0 owes 0
        FGDTR: granted has 150 expects 0 owes 0
        FGDA: merged has 120 expects 0 owes 0
        FGTDA: merged has 120 expects 0 owes 0
        FGR: open has 0 expects 0 owes 0
    "]]
    .assert_eq(&(told.join("\n") + "\n"));
}

#[test]
fn a_paid_claim_that_was_spent_is_owed_when_the_report_comes() {
    play(|stage| {
        let click = stage.click(1, stage.books);
        stage.clock.set(at("2026-11-10 12:00"));
        let id = file(stage, click, None).unwrap();
        grant(stage, id, 150);
        stage.clock.set(at("2026-11-20 12:00"));
        grant_due(&stage.site).unwrap();
        stage.spend(150);
        say(stage, click, Status::Approved, 8_000);
        assert_eq!(read(stage, id).state, ClaimState::Merged);
        assert_eq!(stage.purse(), "has 0 expects 0 owes 30", "120 came, 150 went back");
    });
}

#[test]
fn a_member_files_staff_decide_and_the_member_sees_it() {
    play(|stage| {
        let click = stage.click(1, stage.books);
        let save = SaveGuarantee { company: OURS, guarantee: guarantee() };
        let Ok(()) = stage.site.store().run(save).unwrap();
        let own = stage.client(Some(hana())).browser();
        let form = format!("/claims/new?click={click}");
        let early = wait(own.get(&form));
        assert!(early.text.contains("まだ受付の期間になっていません"), "{}", early.text);
        assert!(!wait(own.get("/clicks")).text.contains("/claims/new"), "not yet");
        stage.clock.set(at("2026-11-10 12:00"));
        assert!(wait(own.get("/clicks")).text.contains(&form), "now");
        let click = click.to_string();
        let fields = |order: &'static str, day: &'static str, sale: &'static str| {
            vec![("order", order), ("purchased_on", day), ("sale", sale), ("details", "")]
        };
        let send = |mut fields: Vec<(&'static str, &'static str)>, click: &str| {
            let click: &'static str = Box::leak(click.to_owned().into_boxed_str());
            fields.push(("click", click));
            wait(own.post_form("/claims", &fields))
        };
        for (order, day, sale, message) in [
            ("", "2026-11-01", "10000", "注文番号を、英数字で"),
            ("R-100", "昨日", "10000", "購入日を、2026-11-01の形で"),
            ("R-100", "2026-10-31", "10000", "クリックした日から今日まで"),
            ("R-100", "2026-11-01", "0", "1以上の整数で"),
        ] {
            let answer = send(fields(order, day, sale), &click);
            assert_eq!(answer.status.as_u16(), 422, "{message}");
            assert!(answer.text.contains(message), "{message} in {}", answer.text);
        }
        let answer = send(fields("R-100", "2026-11-01", "10,000円"), &click);
        assert_eq!(answer.status.as_u16(), 303, "{}", answer.text);
        let page = answer.header("location").to_owned();
        let again = send(fields("R-100", "2026-11-01", "10000"), &click);
        assert_eq!(again.header("location"), page, "a repeat is the same claim");
        assert!(wait(own.get(&page)).text.contains("受付済み"), "it is received");

        let (support, lead) =
            (stage.client(Some(clerk())).browser(), stage.client(Some(lead())).browser());
        assert!(wait(support.get("/staff/claims")).text.contains("ほんだな書店"), "in the inbox");
        let desk = format!("/staff{page}");
        let act = |act: &'static str, text: &'static str| {
            wait(support.post_form(&desk, &[("act", act), ("text", text)]))
        };
        assert_eq!(act("ask", "").status.as_u16(), 422, "a question has words");
        assert_eq!(act("ask", "送信元を教えてください").status.as_u16(), 303);
        assert!(wait(own.get(&page)).text.contains("送信元を教えてください"), "it is asked");
        let answered =
            wait(own.post_form(&page, &[("act", "answer"), ("text", "books@example.jp")]));
        assert_eq!(answered.status.as_u16(), 303, "{}", answered.text);
        assert!(wait(support.get(&desk)).text.contains("books@example.jp"), "it is answered");
        assert_eq!(act("send", "").status.as_u16(), 303);
        let propose = [("act", "propose"), ("points", "150"), ("reason", "確認済み")];
        assert_eq!(wait(support.post_form(&desk, &propose)).status.as_u16(), 303);
        let approve = format!("{desk}/approve");
        assert_eq!(wait(support.post_form(&approve, &[])).status.as_u16(), 403, "not a checker");
        assert!(!wait(own.get(&page)).text.contains("承認"), "the proposal is the staff's matter");
        assert_eq!(wait(lead.post_form(&approve, &[])).status.as_u16(), 303);
        assert_eq!(wait(lead.post_form(&approve, &[])).status.as_u16(), 422, "it is done");
        let text = wait(own.get(&page)).text;
        assert!(text.contains("付与予定") && text.contains("2026-11-16"), "{text}");
        stage.clock.set(at("2026-11-16 00:00"));
        grant_due(&stage.site).unwrap();
        assert!(wait(own.get(&page)).text.contains("付与済み"), "it is paid");
        assert!(wait(own.get("/clicks")).text.contains("依頼済み"), "the click leads to it");
    });
}

#[test]
fn a_claim_is_only_its_members_and_the_staffs() {
    play(|stage| {
        let click = stage.click(1, stage.books);
        stage.clock.set(at("2026-11-10 12:00"));
        let id = file(stage, click, None).unwrap();
        let taro = member(8, OURS, Id::from_bits(HANA.bits() + 1));
        let table = [
            (None, 401, 401),
            (Some(taro), 404, 403),
            (Some(staff(2, OURS, Role::Sales)), 403, 403),
            (Some(staff(3, THEIRS, Role::Support)), 403, 404),
        ];
        for (who, own, desk) in table {
            let client = stage.client(who);
            let (page, inbox) = (format!("/claims/{id}"), format!("/staff/claims/{id}"));
            assert_eq!(wait(client.get(&page)).status.as_u16(), own, "{who:?}");
            let withdraw = wait(client.post_form(&page, &[("act", "withdraw")]));
            assert_eq!(withdraw.status.as_u16(), own, "{who:?}");
            assert_eq!(wait(client.get(&inbox)).status.as_u16(), desk, "{who:?}");
            let form = format!("/claims/new?click={click}");
            assert_eq!(wait(client.get(&form)).status.as_u16(), own, "{who:?}");
        }
        assert_eq!(read(stage, id).state, ClaimState::Open);
        let own = stage.client(Some(hana()));
        let page = format!("/claims/{id}");
        assert_eq!(wait(own.post_form(&page, &[("act", "withdraw")])).status.as_u16(), 303);
        assert_eq!(read(stage, id).state, ClaimState::Withdrawn);
    });
}
