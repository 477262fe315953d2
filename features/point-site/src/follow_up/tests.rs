use crate::follow_up::VersionKey;
use vocabulary::Id;

#[test]
fn a_key_carries_a_conversion_and_its_version() {
    let conversion = Id::from_bits(0x0192_F3A0_7C1E_7B3A_9D55_0A1B_2C00_0000);
    let (one, two) = (VersionKey::of(conversion, 1), VersionKey::of(conversion, 2));
    assert!(one < two, "later versions come later");
    assert_eq!((one.conversion(), two.conversion()), (conversion, conversion));
}
