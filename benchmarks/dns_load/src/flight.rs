//! What one socket has asked and not yet seen answered, by message id.

const IDS: u64 = 1 << 16;

/// A query under way. An answer is measured from `due_ns`, the time it was to be sent.
#[derive(Clone, Copy)]
pub struct Query {
    pub due_ns: u64,
    pub unique: Option<u64>,
    pub question: u32,
}

/// Ids are given out in turn, so what is oldest is known without a search.
pub struct Flight {
    slots: Vec<Option<Query>>,
    next: u64,
    oldest: u64,
    under_way: usize,
    lost: u64,
}

impl Flight {
    pub fn new(first_id: u16) -> Self {
        Self {
            slots: vec![None; IDS as usize],
            next: u64::from(first_id),
            oldest: u64::from(first_id),
            under_way: 0,
            lost: 0,
        }
    }

    /// The id to ask with. A query that still had it is lost.
    pub fn launch(&mut self, query: Query) -> u16 {
        if self.next - self.oldest == IDS {
            self.give_up();
        }
        let id = self.next as u16;
        self.slots[usize::from(id)] = Some(query);
        self.next += 1;
        self.under_way += 1;
        id
    }

    /// The query that an answer with this id belongs to, once.
    pub fn land(&mut self, id: u16) -> Option<Query> {
        let query = self.slots[usize::from(id)].take()?;
        self.under_way -= 1;
        Some(query)
    }

    /// Give up what was due before `deadline_ns`.
    pub fn expire(&mut self, deadline_ns: u64) {
        while self.oldest < self.next {
            match self.slots[self.oldest as u16 as usize] {
                Some(query) if query.due_ns >= deadline_ns => break,
                _ => self.give_up(),
            }
        }
    }

    fn give_up(&mut self) {
        if self.land(self.oldest as u16).is_some() {
            self.lost += 1;
        }
        self.oldest += 1;
    }

    pub fn under_way(&self) -> usize {
        self.under_way
    }

    pub fn lost(&self) -> u64 {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(due_ns: u64) -> Query {
        Query {
            due_ns,
            unique: None,
            question: 0,
        }
    }

    #[test]
    fn an_answer_lands_once() {
        let mut flight = Flight::new(65_535);
        let (first, second) = (flight.launch(query(1)), flight.launch(query(2)));
        assert_eq!((first, second), (65_535, 0));
        assert_eq!(flight.land(second).unwrap().due_ns, 2);
        assert!(flight.land(second).is_none());
        assert_eq!(flight.under_way(), 1);
    }

    #[test]
    fn what_is_overdue_is_lost_and_what_was_answered_is_not() {
        let mut flight = Flight::new(0);
        for due in 0..10 {
            flight.launch(query(due));
        }
        flight.land(3);
        flight.expire(5);
        assert_eq!((flight.lost(), flight.under_way()), (4, 5));
    }

    #[test]
    fn an_id_needed_again_loses_its_query() {
        let mut flight = Flight::new(7);
        for due in 0..=IDS {
            flight.launch(query(due));
        }
        assert_eq!((flight.lost(), flight.under_way()), (1, IDS as usize));
        assert_eq!(flight.land(7).unwrap().due_ns, IDS);
    }
}
