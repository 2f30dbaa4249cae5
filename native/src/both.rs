//! Two halves of one piece of work at once: what a refresh does a million times, and nobody else waits for.

use std::thread;

/// Fewer items are done before a second thread has begun.
const WORTH_IT: usize = 1024;

/// Does two things at once; one after the other where no second thread can be had.
pub fn both<A, B: Send>(one: impl FnOnce() -> A, other: impl Fn() -> B + Sync) -> (A, B) {
    thread::scope(|scope| {
        let other = &other;
        let second = thread::Builder::new().spawn_scoped(scope, other);
        let first = one();
        let second = match second {
            Ok(running) => running
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => other(),
        };
        (first, second)
    })
}

/// What `work` makes of items, in their order. It is given a run of them, and gives one thing for each.
pub fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&[T]) -> Vec<R> + Sync) -> Vec<R> {
    if items.len() < WORTH_IT {
        return work(items);
    }
    let (one, other) = items.split_at(items.len() / 2);
    let (mut done, more) = both(|| work(one), || work(other));
    done.extend(more);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_are_in_the_order_of_the_items() {
        for count in [0, 1, WORTH_IT - 1, WORTH_IT, 4 * WORTH_IT + 1] {
            let items: Vec<usize> = (0..count).collect();
            let doubled = each(&items, |some| some.iter().map(|item| 2 * item).collect());
            assert!(doubled.iter().enumerate().all(|(i, item)| *item == 2 * i));
            assert_eq!(doubled.len(), count);
        }
    }

    #[test]
    #[should_panic(expected = "in the second half")]
    fn a_panic_of_the_other_thread_is_a_panic() {
        both(|| (), || panic!("in the second half"));
    }
}
