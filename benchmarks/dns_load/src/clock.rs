//! Time: monotonic nanoseconds, and the processor time this process took.

/// Nanoseconds on a clock that only goes forward.
pub fn now_ns() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

/// User and system nanoseconds of this process.
pub fn cpu_ns() -> u64 {
    read(libc::CLOCK_PROCESS_CPUTIME_ID)
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a live timespec; both clocks exist on every Linux.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}
