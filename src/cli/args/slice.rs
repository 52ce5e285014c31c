//! `--slice i/n` and `--slice /n`.

use std::str::FromStr;

use crate::config::Environment;
use crate::model::{ParseSliceError, Slice};

/// Where `--slice /n` finds i-1, as Kubernetes sets it for the pods of an indexed job.
const INDEX: &str = "JOB_COMPLETION_INDEX";

/// A slice as the command line names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SliceArg {
    /// `i/n`.
    Given(Slice),
    /// `/n`: which one of the n, the environment says.
    Indexed(u32),
}

/// `--slice /n` where nothing says which one, or something that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`--slice /{of}` takes its number from {INDEX}, which must be 0 to {}: it is {found}", of - 1)]
pub struct NoSliceError {
    /// How many slices there are.
    pub of: u32,
    /// What the variable holds.
    pub found: String,
}

impl SliceArg {
    /// The slice that is meant.
    pub fn resolve(self, environment: &Environment) -> Result<Slice, NoSliceError> {
        let of = match self {
            Self::Given(slice) => return Ok(slice),
            Self::Indexed(of) => of,
        };
        let value = environment.get(INDEX).map(|value| value.to_string_lossy());
        let index = value.as_deref().and_then(|value| value.parse::<u32>().ok());
        index.and_then(|index| Slice::new(index.checked_add(1)?, of)).ok_or_else(|| {
            let found = value.map_or_else(|| "not set".to_owned(), |value| format!("`{value}`"));
            NoSliceError { of, found }
        })
    }
}

impl FromStr for SliceArg {
    type Err = ParseSliceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(of) = text.strip_prefix('/') else { return text.parse().map(Self::Given) };
        let of = of.parse().ok().filter(|of| *of > 0);
        of.map(Self::Indexed).ok_or_else(|| ParseSliceError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_numbers_a_slice_from_zero() {
        let environment = |index: &str| Environment::empty("/").with(INDEX, index);
        let slice =
            |text: &str, index| text.parse::<SliceArg>().unwrap().resolve(&environment(index));
        assert_eq!(slice("/8", "0").unwrap().to_string(), "1/8");
        assert_eq!(slice("/8", "7").unwrap().to_string(), "8/8");
        assert_eq!(slice("3/8", "7").unwrap().to_string(), "3/8");
        for bad in ["8", "-1", "", "x", "4294967295"] {
            assert!(slice("/8", bad).is_err(), "{bad}");
        }
        let unset = SliceArg::Indexed(8).resolve(&Environment::empty("/")).unwrap_err();
        let said = "`--slice /8` takes its number from JOB_COMPLETION_INDEX, which must be 0 to 7: it is not set";
        assert_eq!(unset.to_string(), said);
        for bad in ["/0", "/", "/x", "0/8", "9/8"] {
            assert!(bad.parse::<SliceArg>().is_err(), "{bad}");
        }
    }
}
