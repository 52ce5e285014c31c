//! The bearer token of the admin routes, and how often it may be guessed at.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{fmt, io};

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use tokio::time::Instant;

/// Shorter ones can be guessed.
const TOKEN_MIN_CHARS: usize = 16;

/// Wrong tokens that one address may send at once …
const WRONG_AT_ONCE: u32 = 10;
/// … and how long it takes until it may send one more.
const WRONG_EVERY: Duration = Duration::from_secs(6);

/// Addresses that are remembered. With more of them, those longest silent are forgotten.
const ADDRESSES_AT_MOST: usize = 1_024;

/// A token; what is kept is its SHA-256.
#[derive(Clone)]
pub(super) struct Token([u8; 32]);

/// A token that cannot be used. Holds nothing of it.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("cannot read the token in {} (http.admin_token_file)", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// It is none.
    #[error(
        "{} (http.admin_token_file) holds no usable token: write one line of at least \
         {TOKEN_MIN_CHARS} letters and digits, such as `openssl rand -hex 32` makes",
        path.display()
    )]
    Unusable {
        /// The file.
        path: PathBuf,
    },
}

impl Token {
    /// The token in a file, without the space around it.
    pub(super) fn read(path: &Path) -> Result<Self, TokenError> {
        let read = std::fs::read_to_string(path);
        let text = read.map_err(|source| TokenError::Read { path: path.to_owned(), source })?;
        let token = text.trim();
        let printable = token.chars().all(|c| c.is_ascii_graphic());
        if !printable || token.len() < TOKEN_MIN_CHARS {
            return Err(TokenError::Unusable { path: path.to_owned() });
        }
        Ok(Self::of(token))
    }

    fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Whether this is the token. Takes the same time whatever the two have in common: what is
    /// compared are digests of one length, and all of them.
    pub(super) fn is(&self, candidate: &str) -> bool {
        self.0.ct_eq(&Self::of(candidate).0).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// How many wrong tokens came from whom lately.
#[derive(Debug, Default)]
pub(super) struct Guesses(Mutex<HashMap<IpAddr, Guesser>>);

#[derive(Debug, Clone, Copy)]
struct Guesser {
    wrong: u32,
    since: Instant,
}

impl Guesser {
    /// After what time has forgiven.
    fn now(self, now: Instant) -> Self {
        let forgiven = now.duration_since(self.since).as_secs() / WRONG_EVERY.as_secs();
        let forgiven = u32::try_from(forgiven).unwrap_or(u32::MAX);
        if forgiven == 0 {
            return self;
        }
        let since = self.since.checked_add(WRONG_EVERY.saturating_mul(forgiven)).unwrap_or(now);
        Self { wrong: self.wrong.saturating_sub(forgiven), since }
    }
}

impl Guesses {
    /// Whether tokens of this address are looked at now.
    pub(super) fn may_try(&self, address: IpAddr, now: Instant) -> bool {
        let guessers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        guessers.get(&address).is_none_or(|guesser| guesser.now(now).wrong < WRONG_AT_ONCE)
    }

    /// A wrong token came from this address.
    pub(super) fn was_wrong(&self, address: IpAddr, now: Instant) {
        let mut guessers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if guessers.len() >= ADDRESSES_AT_MOST && !guessers.contains_key(&address) {
            guessers.retain(|_, guesser| guesser.now(now).wrong > 0);
            let oldest = guessers.iter().min_by_key(|(_, guesser)| guesser.since);
            if let Some(oldest) = oldest.map(|(address, _)| *address)
                && guessers.len() >= ADDRESSES_AT_MOST
            {
                guessers.remove(&oldest);
            }
        }
        let guesser = guessers.entry(address).or_insert(Guesser { wrong: 0, since: now });
        *guesser = guesser.now(now);
        if guesser.wrong == 0 {
            guesser.since = now;
        }
        guesser.wrong += 1;
    }

    /// How long an address has to wait at most.
    pub(super) const fn wait() -> Duration {
        WRONG_EVERY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn only_the_whole_token_is_it() {
        let token = Token::of("0123456789abcdef");
        assert!(token.is("0123456789abcdef"));
        for other in ["", "0123456789abcde", "0123456789abcdef ", "0123456789ABCDEF"] {
            assert!(!token.is(other), "{other}");
        }
        assert_eq!(format!("{token:?}"), "Token");
    }

    #[test]
    fn a_file_holds_a_line_that_cannot_be_guessed_or_no_token() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, "0123456789abcdef\n").unwrap();
        assert!(Token::read(&path).unwrap().is("0123456789abcdef"));
        for unusable in ["", "\n", "short", "two words of some length", "0123456789abcdef\nmore"] {
            std::fs::write(&path, unusable).unwrap();
            assert!(matches!(Token::read(&path), Err(TokenError::Unusable { .. })), "{unusable}");
        }
        assert!(matches!(Token::read(dir.path()), Err(TokenError::Read { .. })));
    }

    #[test]
    fn guessing_is_slowed_down_and_forgiven_with_time() {
        let (guesses, start) = (Guesses::default(), Instant::now());
        for _ in 0..WRONG_AT_ONCE {
            assert!(guesses.may_try(ONE, start));
            guesses.was_wrong(ONE, start);
        }
        assert!(!guesses.may_try(ONE, start));
        let other = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);
        assert!(guesses.may_try(other, start), "others go on");
        let later = start + WRONG_EVERY;
        assert!(guesses.may_try(ONE, later));
        guesses.was_wrong(ONE, later);
        assert!(!guesses.may_try(ONE, later));
        assert!(guesses.may_try(ONE, start + WRONG_EVERY * (WRONG_AT_ONCE + 1)));
    }

    #[test]
    fn what_is_remembered_of_guessers_is_bounded() {
        let (guesses, start) = (Guesses::default(), Instant::now());
        for n in 0..5_000_u32 {
            let address = IpAddr::V4(std::net::Ipv4Addr::from(n));
            guesses.was_wrong(address, start + Duration::from_millis(n.into()));
        }
        assert!(guesses.0.lock().unwrap().len() <= ADDRESSES_AT_MOST);
    }
}
