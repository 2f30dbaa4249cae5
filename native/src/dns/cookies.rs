//! DNS cookies (RFC 7873) in the form that all of an operator's servers can check (RFC 9018): whoever
//! returns one has received a packet at its address.

#[cfg(test)]
mod tests;

use super::edns::COOKIE_BYTES;
use siphasher::sip::SipHasher24;
use std::hash::Hasher;
use std::net::IpAddr;

pub const SECRET_BYTES: usize = 16;
const CLIENT_BYTES: usize = 8;
const VERSION: u8 = 1;
const HASH_AT: usize = 16;
/// RFC 9018 §4.3.
const MAX_AGE_S: u32 = 3600;
const MAX_AHEAD_S: u32 = 300;
const RENEWED_AT_S: u32 = 1800;

/// Makes and checks cookies. Servers with one secret accept each other's.
#[derive(Clone)]
pub struct Cookies {
    keyed: SipHasher24,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// The client has received an answer at this address within the hour.
    pub proven: bool,
    /// Client cookie and server cookie, for the reply.
    pub answer: [u8; COOKIE_BYTES],
}

impl Cookies {
    pub fn new(secret: &[u8; SECRET_BYTES]) -> Self {
        Self {
            keyed: SipHasher24::new_with_key(secret),
        }
    }

    /// `cookie` as `query::read` lets it pass: the client's 8 bytes, and perhaps a server's. `now_s`
    /// counts from 1970.
    pub fn check(&self, cookie: &[u8], client: IpAddr, now_s: u64) -> Checked {
        let now_s = now_s as u32;
        let client = client.to_canonical();
        if let Ok(whole) = <[u8; COOKIE_BYTES]>::try_from(cookie) {
            if let Some(age_s) = self.age_and_skew_s(&whole, client, now_s) {
                let answer = if age_s < RENEWED_AT_S + MAX_AHEAD_S {
                    whole
                } else {
                    self.fresh(cookie, client, now_s)
                };
                return Checked {
                    proven: true,
                    answer,
                };
            }
        }
        Checked {
            proven: false,
            answer: self.fresh(cookie, client, now_s),
        }
    }

    /// The age of a valid cookie and `MAX_AHEAD_S` more: the clock of whoever made it may be ahead.
    fn age_and_skew_s(
        &self,
        cookie: &[u8; COOKIE_BYTES],
        client: IpAddr,
        now_s: u32,
    ) -> Option<u32> {
        let (signed, hash) = cookie.split_at(HASH_AT);
        if cookie[CLIENT_BYTES] != VERSION {
            return None;
        }
        let made_s = u32::from_be_bytes([cookie[12], cookie[13], cookie[14], cookie[15]]);
        // Serial number arithmetic (RFC 1982): the timestamp has 32 bits.
        let age_s = now_s.wrapping_add(MAX_AHEAD_S).wrapping_sub(made_s);
        if age_s > MAX_AGE_S + MAX_AHEAD_S {
            return None;
        }
        // Compared as numbers: how long it takes tells nothing about the bytes.
        let given = u64::from_le_bytes(hash.try_into().ok()?);
        (self.hash(signed, client) == given).then_some(age_s)
    }

    fn fresh(&self, cookie: &[u8], client: IpAddr, now_s: u32) -> [u8; COOKIE_BYTES] {
        let mut made = [0; COOKIE_BYTES];
        for (byte, of_client) in made[..CLIENT_BYTES].iter_mut().zip(cookie) {
            *byte = *of_client;
        }
        made[CLIENT_BYTES] = VERSION;
        made[12..HASH_AT].copy_from_slice(&now_s.to_be_bytes());
        let hash = self.hash(&made[..HASH_AT], client);
        made[HASH_AT..].copy_from_slice(&hash.to_le_bytes());
        made
    }

    /// RFC 9018 §4.4: SipHash-2-4 of client cookie, version, reserved bytes, timestamp and address.
    fn hash(&self, signed: &[u8], client: IpAddr) -> u64 {
        let mut hasher = self.keyed;
        hasher.write(signed);
        match client {
            IpAddr::V4(address) => hasher.write(&address.octets()),
            IpAddr::V6(address) => hasher.write(&address.octets()),
        }
        hasher.finish()
    }
}
