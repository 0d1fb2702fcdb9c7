//! What is wrong with a text.

/// Why a text cannot be read. As small as it can be, so that it costs little where there is none.
#[derive(Debug, PartialEq, Eq)]
pub struct Flaw(Box<Problem>);

/// What is wrong with a text.
#[derive(Debug, PartialEq, Eq)]
pub enum Problem {
    /// It is not JSON.
    Syntax,
    /// It is JSON, and not what was promised.
    Contract(String),
}

impl Flaw {
    /// The text is no JSON.
    #[must_use]
    #[cold]
    pub fn syntax() -> Self {
        Self(Problem::Syntax.into())
    }

    /// The text is not as promised.
    #[must_use]
    #[cold]
    pub fn contract(problem: impl Into<String>) -> Self {
        Self(Problem::Contract(problem.into()).into())
    }

    /// The same, said of a record by its number.
    #[must_use]
    pub fn of_record(self, number: u64) -> Self {
        match self.problem() {
            Problem::Syntax => Self::syntax(),
            Problem::Contract(problem) => Self::contract(format!("record {number} {problem}")),
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn problem(self) -> Problem {
        *self.0
    }
}
