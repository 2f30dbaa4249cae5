//! RFC 9018 appendix A, and the limits of §4.3.

use super::*;

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(hex.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    }
    out
}

fn cookies() -> Cookies {
    Cookies::new(&bytes("e5e973e5a6b2a43f48e7dc849e37bfcf"))
}

fn at(address: &str) -> IpAddr {
    address.parse().unwrap()
}

const CLIENT: &str = "198.51.100.100";
const LEARNED: &str = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";
const LEARNED_S: u64 = 1_559_731_985;

#[test]
fn a_client_learns_a_new_server_cookie() {
    let asked = bytes::<8>("2464c4abcf10c957");
    let checked = cookies().check(&asked, at(CLIENT), LEARNED_S);
    assert!(!checked.proven);
    assert_eq!(checked.answer, bytes(LEARNED));
}

#[test]
fn a_cookie_of_40_minutes_is_valid_and_renewed() {
    let checked = cookies().check(&bytes::<24>(LEARNED), at(CLIENT), 1_559_734_385);
    assert!(checked.proven);
    assert_eq!(
        checked.answer,
        bytes("2464c4abcf10c957010000005cf7a871d4a564a1442aca77")
    );
}

#[test]
fn a_cookie_with_reserved_bytes_is_valid_and_its_renewal_has_none() {
    let asked = bytes::<24>("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5");
    let client = at("203.0.113.203");
    assert!(cookies().check(&asked, client, 1_559_727_985 + 60).proven);
    // The appendix renews it after 112 minutes; §4.3 no longer calls it valid then.
    let checked = cookies().check(&asked, client, 1_559_734_700);
    assert!(!checked.proven);
    assert_eq!(
        checked.answer,
        bytes("fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e")
    );
}

#[test]
fn a_cookie_for_an_ipv6_client_under_another_secret_is_renewed() {
    let asked = bytes::<24>("22681ab97d52c298010000005cf7c57926556bd0934c72f8");
    let client = at("2001:db8:220:1:59de:d0f4:8769:82b8");
    let old = Cookies::new(&bytes("dd3bdf9344b678b185a6f5cb60fca715"));
    assert!(old.check(&asked, client, 1_559_741_961).proven);
    let new = Cookies::new(&bytes("445536bcd2513298075a5d379663c962"));
    let checked = new.check(&asked, client, 1_559_741_961);
    assert!(!checked.proven);
    assert_eq!(
        checked.answer,
        bytes("22681ab97d52c298010000005cf7c609a6bb79d16625507a")
    );
}

#[test]
fn a_cookie_is_valid_from_five_minutes_ahead_until_an_hour_later() {
    for (age_s, valid) in [
        (-301, false),
        (-300, true),
        (0, true),
        (3600, true),
        (3601, false),
    ] {
        let now_s = LEARNED_S.checked_add_signed(age_s).unwrap();
        let checked = cookies().check(&bytes::<24>(LEARNED), at(CLIENT), now_s);
        assert_eq!(checked.proven, valid, "{age_s} s");
    }
}

#[test]
fn a_cookie_younger_than_half_an_hour_is_given_back() {
    let learned = bytes::<24>(LEARNED);
    for (age_s, same) in [(0, true), (1799, true), (1800, false)] {
        let checked = cookies().check(&learned, at(CLIENT), LEARNED_S + age_s);
        assert_eq!(checked.answer == learned, same, "{age_s} s");
    }
}

#[test]
fn the_clock_may_pass_the_end_of_its_32_bits() {
    let client = at(CLIENT);
    let before_s = u64::from(u32::MAX) - 10;
    let learned = cookies().check(&[7; 8], client, before_s).answer;
    assert!(cookies().check(&learned, client, before_s + 60).proven);
}

#[test]
fn a_cookie_proves_nothing_from_another_address_or_when_any_bit_of_it_is_another() {
    let learned = bytes::<24>(LEARNED);
    assert!(
        !cookies()
            .check(&learned, at("198.51.100.101"), LEARNED_S)
            .proven
    );
    assert!(
        !cookies()
            .check(&learned, at("2001:db8::1"), LEARNED_S)
            .proven
    );
    for bit in 0..24 * 8 {
        let mut forged = learned;
        forged[bit / 8] ^= 1 << (bit % 8);
        assert!(
            !cookies().check(&forged, at(CLIENT), LEARNED_S).proven,
            "bit {bit}"
        );
    }
}

#[test]
fn an_ipv4_client_is_the_same_in_ipv6_form() {
    let mapped = at("::ffff:198.51.100.100");
    assert!(
        cookies()
            .check(&bytes::<24>(LEARNED), mapped, LEARNED_S)
            .proven
    );
}

#[test]
fn a_cookie_of_any_other_length_is_answered_and_proves_nothing() {
    for length in (0..=41).filter(|&length| length != 24) {
        let checked = cookies().check(&vec![9; length], at(CLIENT), LEARNED_S);
        assert!(!checked.proven);
        assert_eq!(checked.answer[8..13], [1, 0, 0, 0, 0x5c]);
    }
}
