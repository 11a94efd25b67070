use super::Node;
use crate::config::path::Step;
use crate::config::{KeyPath, Location, Place, Problem};

/// The problems of one value, or of values inside of it. The caller that reads the value knows its path.
pub(in crate::config) struct ValueProblems(Vec<ValueProblem>);

struct ValueProblem {
    /// The steps from the value that was read, the last one first.
    below: Vec<Step>,
    place: Place,
    message: String,
}

impl ValueProblems {
    pub(in crate::config) fn one(place: Place, message: impl Into<String>) -> Self {
        Self(vec![ValueProblem { below: Vec::new(), place, message: message.into() }])
    }

    /// Returns the same problems, as seen from one step further up.
    fn under(mut self, step: &Step) -> Self {
        for problem in &mut self.0 {
            problem.below.push(step.clone());
        }
        self
    }

    /// Converts these into problems of the value at `path`.
    pub(in crate::config) fn into_problems(self, path: &KeyPath) -> impl Iterator<Item = Problem> {
        self.0.into_iter().map(|problem| {
            let path = path.join(problem.below.into_iter().rev());
            Problem::new(Location { place: Some(problem.place), path }, problem.message)
        })
    }
}

/// Reads every node of a list or table.
///
/// # Errors
///
/// Returns the problems of all nodes.
pub(in crate::config) fn each<'t, T>(
    nodes: impl IntoIterator<Item = (Step, &'t Node)>,
    read: impl Fn(&'t Node) -> Result<T, ValueProblems>,
) -> Result<Vec<T>, ValueProblems> {
    let mut values = Vec::new();
    let mut problems = Vec::new();
    for (step, node) in nodes {
        match read(node) {
            Ok(value) => values.push(value),
            Err(wrong) => problems.extend(wrong.under(&step).0),
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(ValueProblems(problems)) }
}
