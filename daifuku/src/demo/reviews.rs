//! Conversions that rules cannot decide, so that the staff's queue has something in it: a file with
//! purchases of nobody's click.

use anyhow::Context as _;

use super::seed::SHOPPING;
use crate::house::House;
use ledger::ActorNumber;
use point_site::report::{StartReport, UploadedReport, apply_reports, receive_report};
use vocabulary::{Token, Zone};

/// How many purchases belong to nobody's click.
const UNMATCHED: u32 = 5;

/// Plants what waits for a person.
pub(super) fn plant_reviews(house: &House) -> anyhow::Result<()> {
    let site = house.features()?.site.as_ref().context("the demo has a members' site")?;
    let by = ActorNumber::new(SHOPPING, 0);
    let occurred_at = house.world.clock.now().plus_days(-3);
    let time = Zone::JAPAN.format_second(occurred_at);
    let heading =
        "成果ID,発生日時,注文番号,会員識別,売上金額,報酬金額,ステータス,否認理由\r\n".to_owned();
    let rows = (1..=UNMATCHED).map(|number| {
        let sale = 1_980 * number;
        format!("77{number:04},{time},Q-{number},,{sale},{},承認,\r\n", sale.div_euclid(20))
    });
    let text: String = core::iter::once(heading).chain(rows).collect();
    let upload = UploadedReport {
        network: Token::parse("accesstrade")?,
        account: Token::parse("main")?,
        file_name: "accesstrade-追加分.csv".to_owned(),
        bytes: text.into_bytes(),
        by,
    };
    let report = receive_report(site, &upload)?.report;
    house
        .store
        .run(StartReport { report, company: SHOPPING, by })?
        .map_err(|refusal| anyhow::anyhow!(refusal))?;
    while apply_reports(site)? > 0 {}
    Ok(())
}
