//! What may happen to a packet on its way, or in the hands of somebody who means harm.

use crate::random::Random;

const BYTES: &[u8] = &[0, 1, 0x3F, 0x40, 0x7F, 0x80, 0xBF, 0xC0, 0xFF];
const WORDS: &[u16] = &[0, 1, 2, 3, 41, 255, 256, 0x7FFF, 0x8000, 0xC00C, 0xFFFF];
const MOST_BYTES: usize = 65_535;

/// `packet` with one to sixteen faults behind offset `from`, pieces of `others` among them.
pub fn damage(packet: &mut Vec<u8>, from: usize, others: &[Vec<u8>], random: &mut Random) {
    for _ in 0..*random.pick(&[1, 1, 1, 1, 2, 2, 4, 16]) {
        fault(packet, from, others, random);
    }
    packet.truncate(MOST_BYTES);
}

fn fault(packet: &mut Vec<u8>, from: usize, others: &[Vec<u8>], random: &mut Random) {
    let from = from.min(packet.len());
    let at = from + random.below(packet.len() - from);
    let rest = packet.len() - at;
    match random.below(12) {
        0 if rest > 0 => packet[at] ^= 1 << random.below(8),
        1 if rest > 0 => packet[at] = *random.pick(BYTES),
        2 if rest > 0 => packet[at] = packet[at].wrapping_add(*random.pick(&[1, 0xFF])),
        3 => packet.truncate(at),
        4 => {
            let (count, inside) = (1 + random.below(40), random.one_in(2));
            let bytes: Vec<u8> = if inside {
                packet[at..at + count.min(rest)].to_vec()
            } else {
                random.bytes(count).collect()
            };
            packet.splice(at..at, bytes);
        }
        5 => drop(packet.drain(at..at + (1 + random.below(12)).min(rest))),
        6 => {
            let other = random.pick(others);
            let from_other = other.get(at..).unwrap_or(&[]);
            packet.truncate(at);
            packet.extend_from_slice(from_other);
        }
        7 => {
            let other = random.pick(others);
            let piece = random.below(other.len());
            let end = (piece + random.below(64)).min(other.len());
            packet.splice(at..at, other[piece..end].iter().copied());
        }
        // The counts, which lie before anything else.
        8 if packet.len() >= 12 => {
            let count_at = 4 + 2 * random.below(4);
            let count = u16::from_be_bytes([packet[count_at], packet[count_at + 1]]);
            let near = [
                count.wrapping_add(1),
                count.wrapping_sub(1),
                *random.pick(WORDS),
            ];
            set_word(packet, count_at, *random.pick(&near));
        }
        // A length that is nearly right, for whatever is taken for a length here.
        9 => {
            let behind = rest.saturating_sub(2) as u16;
            let near = [
                behind,
                behind.wrapping_add(1),
                behind.wrapping_sub(1),
                *random.pick(WORDS),
            ];
            set_word(packet, at, *random.pick(&near));
        }
        10 => {
            let target = random.below(packet.len() + 2) as u16;
            set_word(packet, at, 0xC000 | target & 0x3FFF);
        }
        _ => {
            let count = *random.pick(&[1, 1, 11, 11, 500, 3_000]);
            // Rarely: it costs as much as hundreds of other packets.
            let count = if random.one_in(10_000) {
                MOST_BYTES
            } else {
                count
            };
            packet.extend(random.bytes(count));
        }
    }
}

fn set_word(packet: &mut [u8], at: usize, word: u16) {
    if let Some(field) = packet.get_mut(at..at + 2) {
        field.copy_from_slice(&word.to_be_bytes());
    }
}
