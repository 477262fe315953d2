use crate::preferences::{Preferences, SavePreferences, find_preferences};
use crate::tests::play;
use vocabulary::{CompanyNumber, Id, Token};
use web::Language;

#[test]
fn what_is_not_said_stays_and_the_first_invitation_counts() {
    play(|stage| {
        let (member, company) = (Id::from_bits(77), CompanyNumber::new(1));
        let say = |language, notices, code: Option<&str>| {
            let invited_by = code.map(|code| Token::parse(code).unwrap());
            let command = SavePreferences { member, company, language, notices, invited_by };
            let Ok(chosen) = stage.site.store().run(command).unwrap();
            (chosen.language, chosen.notices, chosen.invited_by.map(|code| code.to_string()))
        };
        let hana = || Some("hana".to_owned());
        assert_eq!(say(None, None, None), (Language::Japanese, true, None));
        let english = Some(Language::English);
        assert_eq!(say(english, None, Some("hana")), (Language::English, true, hana()));
        assert_eq!(say(None, Some(false), Some("taro")), (Language::English, false, hana()));
        let found = stage.site.store().database().read(|r| find_preferences(r, &[member])).unwrap();
        let expected = Preferences {
            language: Language::English,
            notices: false,
            invited_by: Some(Token::parse("hana").unwrap()),
            ..Preferences::of_nobody(member, company)
        };
        assert_eq!(found.get(&member), Some(&expected));
    });
}
