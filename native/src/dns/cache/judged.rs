//! Who judged an answer, and how it came out, in the judge's own numbers.

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Judged {
    /// The generation that judged; 0: nobody yet.
    pub serial: u32,
    pub label: u32,
    /// For whose clients: what passes for one profile may be stopped for another.
    pub profile: u32,
}

impl Judged {
    /// The profile of what is on no list at all.
    pub const FOR_EVERY_PROFILE: u32 = u32::MAX;

    /// Whether this is what a generation says to the clients of a profile.
    pub fn holds(&self, serial: u32, profile: u32) -> bool {
        self.serial == serial
            && (self.profile == Self::FOR_EVERY_PROFILE || self.profile == profile)
    }
}
