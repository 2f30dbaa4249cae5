//! Memory in which several processes count at once.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::AtomicU64;

const NAME: &std::ffi::CStr = c"cop-filter-oracle";
const SEALS: libc::c_int = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW;

/// Words of shared memory, zero at first. They are atomic, since another process may write any of them at any
/// time; pages are only taken when touched, and are left out of a core.
pub struct Memory {
    words: NonNull<AtomicU64>,
    count: usize,
    file: Option<File>,
}

// SAFETY: it is memory of atomics, mapped as long as this lives; nothing of it belongs to a thread.
unsafe impl Send for Memory {}
// SAFETY: the same.
unsafe impl Sync for Memory {}

impl Memory {
    /// For this process and those that it forks.
    pub fn own(count: usize) -> io::Result<Self> {
        Self::map(None, count)
    }

    /// For this process and those to which the descriptor is handed on. Its size is sealed: a touch never faults.
    pub fn to_hand_on(count: usize) -> io::Result<Self> {
        let file = anonymous_file()?;
        file.set_len(bytes(count) as u64)?;
        let seals = SEALS | libc::F_SEAL_SEAL;
        // SAFETY: the descriptor is open, and the call takes a number.
        if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Self::map(Some(file), count)
    }

    /// What another process handed on, under a number that may mean anything; the descriptor stays the caller's.
    pub fn handed_on(descriptor: RawFd, count: usize) -> io::Result<Self> {
        // SAFETY: the call takes a number, and fails for one that is no open descriptor.
        let copy = unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, 0) };
        if copy < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it was opened just now, for nobody else.
        let file = File::from(unsafe { OwnedFd::from_raw_fd(copy) });
        // SAFETY: the descriptor is open; where files have no seals the call fails.
        let seals = unsafe { libc::fcntl(copy, libc::F_GET_SEALS) };
        let is_sealed = seals >= 0 && seals & SEALS == SEALS;
        if !is_sealed || file.metadata()?.len() != bytes(count) as u64 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Self::map(Some(file), count)
    }

    /// The descriptor to hand on, of memory that was made for that.
    pub fn descriptor(&self) -> Option<RawFd> {
        self.file.as_ref().map(AsRawFd::as_raw_fd)
    }

    fn map(file: Option<File>, count: usize) -> io::Result<Self> {
        let (descriptor, kind) = match &file {
            Some(file) => (file.as_raw_fd(), 0),
            None => (-1, libc::MAP_ANONYMOUS),
        };
        let flags = libc::MAP_SHARED | libc::MAP_NORESERVE | kind;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping, where the kernel wants it; a file is as long as this and stays so.
        let start =
            unsafe { libc::mmap(ptr::null_mut(), bytes(count), access, flags, descriptor, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: this was mapped just now. Where it cannot be said, all cores are off still (secrecy.py).
        unsafe { libc::madvise(start, bytes(count), libc::MADV_DONTDUMP) };
        let words = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { words, count, file })
    }
}

impl Deref for Memory {
    type Target = [AtomicU64];

    fn deref(&self) -> &[AtomicU64] {
        // SAFETY: so many words are mapped, on a page's boundary, until this is dropped; any bytes are a word, and
        // whoever else maps them writes whole words.
        unsafe { slice::from_raw_parts(self.words.as_ptr(), self.count) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: mapped by `map` in this length; nothing that was borrowed from it lives longer.
        unsafe { libc::munmap(self.words.as_ptr().cast(), bytes(self.count)) };
    }
}

/// A file without a name, never to be run (where the kernel knows that flag: Linux 6.3).
fn anonymous_file() -> io::Result<File> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    for flags in [flags | libc::MFD_NOEXEC_SEAL, flags] {
        // SAFETY: the name ends with its zero.
        let descriptor = unsafe { libc::memfd_create(NAME.as_ptr(), flags) };
        if descriptor >= 0 {
            // SAFETY: it was opened just now, for nobody else.
            return Ok(File::from(unsafe { OwnedFd::from_raw_fd(descriptor) }));
        }
    }
    Err(io::Error::last_os_error())
}

const fn bytes(count: usize) -> usize {
    count * size_of::<AtomicU64>()
}
