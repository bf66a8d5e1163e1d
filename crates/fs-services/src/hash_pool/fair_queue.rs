//! Fair queue: lanes of jobs that are served in turn.

use std::collections::VecDeque;

/// Limits on the number of waiting jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Maximum number of waiting jobs in the whole queue.
    pub(super) in_all: usize,
    /// Maximum number of waiting jobs at one step of a lane, such as one network or one account.
    pub(super) in_lane: usize,
}

/// Queue of waiting jobs, kept as a tree of lanes. Lanes with the same parent take turns. The queue
/// decides which job is next and which is refused; it knows neither clocks nor threads.
///
/// After a job that counts as `n` turns, its lane is passed over `n - 1` times. A lane without jobs
/// is removed; when it gets a job again, it joins at the end.
pub(super) struct FairQueue<T> {
    bounds: Bounds,
    root: Lane<T>,
}

struct Lane<T> {
    name: String,
    jobs: VecDeque<Waiting<T>>,
    /// Child lanes that have jobs. The first one is served next.
    lanes: VecDeque<Lane<T>>,
    /// Number of jobs that wait in this lane and below it.
    waiting: usize,
    /// Number of times this lane is still passed over, because its last job counted as several
    /// turns.
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

    /// Returns the number of waiting jobs.
    pub(super) fn len(&self) -> usize {
        self.root.waiting
    }

    /// Appends a job that counts as `turns` turns to a lane. `lane` is the path to it: the name of
    /// each step.
    ///
    /// # Errors
    ///
    /// Returns the job that was removed if the queue, or a step of the lane, is now too full. That
    /// is the newest job of the longest lane there: the given one, unless another lane is longer.
    pub(super) fn push(&mut self, lane: &[String], turns: u32, job: T) -> Result<(), T> {
        self.root.push(lane, Waiting { job, turns });
        self.root.shed(lane, self.bounds.in_all, self.bounds.in_lane).map_or(Ok(()), Err)
    }

    /// Removes and returns the next job.
    pub(super) fn pop(&mut self) -> Option<T> {
        self.root.pop().map(|waiting| waiting.job)
    }

    /// Keeps only the jobs for which `wanted` returns `true`.
    pub(super) fn retain(&mut self, mut wanted: impl FnMut(&T) -> bool) {
        self.root.retain(&mut wanted);
    }

    /// Removes and returns all jobs.
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
        // A lane that holds jobs has no child lanes. If it had any, its own jobs would go first.
        let next = match self.jobs.pop_front() {
            Some(job) => Some(job),
            None => self.pop_of_next(),
        };
        self.waiting -= usize::from(next.is_some());
        next
    }

    fn pop_of_next(&mut self) -> Option<Waiting<T>> {
        // A single remaining lane has no other lane to make up for.
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

    /// Removes a job if more than `most` jobs wait in this lane, or more than `below` at a step
    /// towards `newest`, the lane that got the newest job. The deepest step that is too full loses
    /// the job.
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

    /// Removes and returns the newest job of the longest lane. If several lanes are the longest,
    /// the one that got the newest job loses it.
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

    /// Updates the count after a job was removed from the lane `name`, and removes the lane if it
    /// is empty.
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
