//! A queue of lanes that take turns.

use std::collections::VecDeque;

/// How many jobs may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// In all.
    pub(super) in_all: usize,
    /// At one step of a lane: of one network, of one account there.
    pub(super) in_lane: usize,
}

/// Jobs that wait, by lane: a tree in which those at one step take turns. It decides who is next and
/// who is refused, and knows neither clocks nor threads.
///
/// A job that takes several turns is followed by as many of the others. A lane without jobs is
/// forgotten, and begins anew behind those that wait.
pub(super) struct FairQueue<T> {
    bounds: Bounds,
    root: Lane<T>,
}

struct Lane<T> {
    name: String,
    jobs: VecDeque<Waiting<T>>,
    /// Lanes with jobs, the next one first.
    lanes: VecDeque<Lane<T>>,
    /// How many jobs wait here and below.
    waiting: usize,
    /// How many turns it has had too many.
    debt: u32,
}

struct Waiting<T> {
    job: T,
    turns: u32,
}

impl<T> FairQueue<T> {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, root: Lane::new("") }
    }

    /// How many jobs wait.
    pub(super) fn len(&self) -> usize {
        self.root.waiting
    }

    /// Puts a job that takes that many turns at the end of its lane. `lane` names its steps.
    ///
    /// # Errors
    ///
    /// Returns the job that has no place: where a step of the lane is full, the newest job of the
    /// longest lane within it. That is this one unless another lane is longer.
    pub(super) fn push(&mut self, lane: &[String], turns: u32, job: T) -> Result<(), T> {
        self.root.push(lane, Waiting { job, turns });
        self.root.shed(lane, self.bounds.in_all, self.bounds.in_lane).map_or(Ok(()), Err)
    }

    /// Takes the job whose turn it is.
    pub(super) fn pop(&mut self) -> Option<T> {
        self.root.pop().map(|waiting| waiting.job)
    }

    /// Drops the jobs that are not wanted any more.
    pub(super) fn retain(&mut self, mut wanted: impl FnMut(&T) -> bool) {
        self.root.retain(&mut wanted);
    }

    /// Takes all jobs.
    pub(super) fn take(&mut self) -> Vec<T> {
        std::iter::from_fn(|| self.pop()).collect()
    }
}

impl<T> Lane<T> {
    fn new(name: &str) -> Self {
        let (jobs, lanes) = (VecDeque::new(), VecDeque::new());
        Self { name: name.to_owned(), jobs, lanes, waiting: 0, debt: 0 }
    }

    fn push(&mut self, lane: &[String], waiting: Waiting<T>) {
        self.waiting += 1;
        let Some((name, rest)) = lane.split_first() else {
            self.jobs.push_back(waiting);
            return;
        };
        if let Some(next) = self.lanes.iter_mut().find(|next| next.name == *name) {
            next.push(rest, waiting);
            return;
        }
        let mut next = Self::new(name);
        next.push(rest, waiting);
        self.lanes.push_back(next);
    }

    fn pop(&mut self) -> Option<Waiting<T>> {
        // A lane of jobs has no lanes below it; if one had, its own jobs would go first.
        let next = match self.jobs.pop_front() {
            Some(job) => Some(job),
            None => self.pop_of_next(),
        };
        self.waiting -= usize::from(next.is_some());
        next
    }

    fn pop_of_next(&mut self) -> Option<Waiting<T>> {
        // One lane alone owes nobody anything.
        if let [alone] = self.lanes.make_contiguous() {
            alone.debt = 0;
        }
        loop {
            let mut next = self.lanes.pop_front()?;
            if next.debt > 0 {
                next.debt -= 1;
                self.lanes.push_back(next);
                continue;
            }
            let waiting = next.pop();
            if let Some(waiting) = &waiting {
                next.debt = waiting.turns.saturating_sub(1);
            }
            if next.waiting > 0 {
                self.lanes.push_back(next);
            }
            return waiting;
        }
    }

    /// Takes a job out where more than `most` wait here, or more than `below` at a step of the lane
    /// that the newest job came to. The last step that is too full is the one that gives it.
    fn shed(&mut self, newest: &[String], most: usize, below: usize) -> Option<T> {
        if let Some((name, rest)) = newest.split_first()
            && let Some(next) = self.lanes.iter_mut().find(|next| next.name == *name)
            && let Some(job) = next.shed(rest, below, below)
        {
            self.settle(name);
            return Some(job);
        }
        (self.waiting > most).then(|| self.pop_of_longest(newest)).flatten()
    }

    /// Takes the newest job of the longest lane. Of lanes of one length it is that of `newest`, to
    /// which the newest job came.
    fn pop_of_longest(&mut self, newest: &[String]) -> Option<T> {
        let (name, rest) = newest.split_first().unzip();
        let key = |lane: &&mut Self| (lane.waiting, name == Some(&lane.name));
        let Some(longest) = self.lanes.iter_mut().max_by_key(key) else {
            let newest = self.jobs.pop_back();
            self.waiting = self.jobs.len();
            return newest.map(|waiting| waiting.job);
        };
        let is_newest = name == Some(&longest.name);
        let job = longest.pop_of_longest(rest.filter(|_| is_newest).unwrap_or_default());
        let name = longest.name.clone();
        self.settle(&name);
        job
    }

    /// Forgets a lane if nothing waits in it any more, after a job was taken out of it.
    fn settle(&mut self, name: &str) {
        self.waiting -= 1;
        self.lanes.retain(|lane| lane.waiting > 0 || lane.name != name);
    }

    fn retain(&mut self, wanted: &mut impl FnMut(&T) -> bool) {
        self.jobs.retain(|waiting| wanted(&waiting.job));
        self.lanes.iter_mut().for_each(|lane| lane.retain(wanted));
        self.lanes.retain(|lane| lane.waiting > 0);
        self.waiting = self.jobs.len() + self.lanes.iter().map(|lane| lane.waiting).sum::<usize>();
    }
}

#[cfg(test)]
mod tests;
