//! Undoes a Content-Encoding, with a limit on what comes out.

use std::io;

use async_compression::tokio::bufread::{DeflateDecoder, GzipDecoder, ZlibDecoder};
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tokio::io::{AsyncBufReadExt, AsyncRead};
use tokio_util::io::{ReaderStream, StreamReader};

use super::FetchError;
use super::answer::Encoding;

/// Bytes decoded at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// The most bytes of an encoded body that are read for `limit` decoded ones. No encoder of sense
/// makes twice as many of them; without this bound an endless body that decodes to nothing would
/// be read for ever.
pub(super) const fn encoded_limit(limit: u64) -> u64 {
    limit.saturating_mul(2).saturating_add(1 << 20)
}

/// The decoded bytes of a body, at most `limit` of them.
///
/// # Errors
/// An encoding that cannot be undone here is told as such; a broken stream is transient.
pub(super) fn decoded(
    encoding: &Encoding,
    shown: String,
    body: BoxStream<'static, Result<Bytes, FetchError>>,
    limit: u64,
) -> Result<BoxStream<'static, Result<Bytes, FetchError>>, FetchError> {
    let reader = StreamReader::new(body.map_err(io::Error::other));
    let decoded: BoxStream<'static, io::Result<Bytes>> = match encoding {
        Encoding::Identity => ReaderStream::with_capacity(reader, CHUNK_BYTES).boxed(),
        Encoding::Gzip => {
            let mut decoder = GzipDecoder::new(reader);
            decoder.multiple_members(true);
            ReaderStream::with_capacity(decoder, CHUNK_BYTES).boxed()
        }
        Encoding::Deflate => stream::once(inflater(reader))
            .map_ok(|decoder| ReaderStream::with_capacity(decoder, CHUNK_BYTES))
            .try_flatten()
            .boxed(),
        Encoding::Other(said) => {
            return Err(FetchError::Encoding(format!(
                "{shown} answered with Content-Encoding `{said}`, which cannot be undone"
            )));
        }
    };
    let unsealed = decoded.map_err(move |error| unseal(error, &shown, limit));
    Ok(limited(unsealed.boxed(), limit))
}

/// A decoder of zlib, as the standard says, or of bare deflate, as some servers send it. The
/// first byte tells: its low half is 8 in zlib, and in no deflate that an encoder writes.
async fn inflater<R: AsyncBufReadExt + Send + Unpin + 'static>(
    mut reader: R,
) -> io::Result<Box<dyn AsyncRead + Send + Unpin>> {
    let is_zlib = reader.fill_buf().await?.first().is_none_or(|byte| byte & 0x0f == 8);
    if is_zlib {
        Ok(Box::new(ZlibDecoder::new(reader)))
    } else {
        Ok(Box::new(DeflateDecoder::new(reader)))
    }
}

/// The body's own error where the decoder handed it through, otherwise a broken stream.
fn unseal(error: io::Error, shown: &str, limit: u64) -> FetchError {
    match error.downcast::<FetchError>() {
        // The limit that matters to the caller is the one on decoded bytes.
        Ok(FetchError::TooLarge { .. }) => FetchError::TooLarge { limit },
        Ok(own) => own,
        Err(broken) => FetchError::Transient {
            message: format!("{shown}: the encoded body is broken: {broken}"),
            retry_after: None,
        },
    }
}

fn limited(
    body: BoxStream<'static, Result<Bytes, FetchError>>,
    limit: u64,
) -> BoxStream<'static, Result<Bytes, FetchError>> {
    stream::try_unfold((body, limit), move |(mut body, left)| async move {
        let Some(chunk) = body.try_next().await? else { return Ok(None) };
        let bytes = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        match left.checked_sub(bytes) {
            Some(left) => Ok(Some((chunk, (body, left)))),
            None => Err(FetchError::TooLarge { limit }),
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use async_compression::tokio::bufread::{DeflateEncoder, GzipEncoder, ZlibEncoder};
    use tokio::io::AsyncReadExt;

    use super::*;

    async fn all_of(mut reader: impl AsyncRead + Unpin) -> Vec<u8> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).await.unwrap();
        bytes
    }

    /// The decoded bytes, from chunks of three bytes so that no part of a header stands alone.
    async fn undone(encoding: &Encoding, sent: Vec<u8>, limit: u64) -> Result<Vec<u8>, FetchError> {
        let chunks: Vec<_> =
            sent.chunks(3).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let shown = "https://h.example/a".to_owned();
        let body = decoded(encoding, shown, stream::iter(chunks).boxed(), limit)?;
        body.try_fold(Vec::new(), |mut all, chunk| async move {
            all.extend_from_slice(&chunk);
            Ok(all)
        })
        .await
    }

    #[tokio::test]
    async fn each_encoding_is_undone() {
        let plain = b"the bytes of an object ".repeat(100);
        let gzip = all_of(GzipEncoder::new(plain.as_slice())).await;
        let twice = [gzip.clone(), gzip.clone()].concat();
        let zlib = all_of(ZlibEncoder::new(plain.as_slice())).await;
        let bare = all_of(DeflateEncoder::new(plain.as_slice())).await;
        for (encoding, sent, expected) in [
            (Encoding::Identity, plain.clone(), plain.clone()),
            (Encoding::Gzip, gzip, plain.clone()),
            (Encoding::Gzip, twice, plain.repeat(2)),
            (Encoding::Deflate, zlib, plain.clone()),
            (Encoding::Deflate, bare, plain.clone()),
        ] {
            let got = undone(&encoding, sent, 1 << 20).await.unwrap();
            assert_eq!(got, expected, "{encoding:?}");
        }
    }

    #[tokio::test]
    async fn a_broken_stream_may_pass_and_an_unknown_encoding_does_not() {
        let plain = b"the bytes of an object ".repeat(100);
        for encoding in [Encoding::Gzip, Encoding::Deflate] {
            let mut sent = if encoding == Encoding::Gzip {
                all_of(GzipEncoder::new(plain.as_slice())).await
            } else {
                all_of(ZlibEncoder::new(plain.as_slice())).await
            };
            let short = sent[..sent.len() / 2].to_vec();
            let last = sent.len() - 5;
            sent[last] ^= 1;
            for broken in [short, sent, b"<html>".to_vec()] {
                let error = undone(&encoding, broken, 1 << 20).await.unwrap_err();
                assert!(matches!(error, FetchError::Transient { .. }), "{encoding:?}: {error:?}");
                let text = error.to_string();
                assert!(
                    text.starts_with("https://h.example/a: the encoded body is broken"),
                    "{text}"
                );
            }
        }
        let error = undone(&Encoding::Other("br".to_owned()), plain, 1 << 20).await.unwrap_err();
        assert!(matches!(error, FetchError::Encoding(_)), "{error:?}");
    }

    #[tokio::test]
    async fn a_bomb_is_stopped_at_the_limit() {
        let bomb = all_of(GzipEncoder::new(vec![0; 10 << 20].as_slice())).await;
        assert!(bomb.len() < 100_000);
        let error = undone(&Encoding::Gzip, bomb.clone(), (10 << 20) - 1).await.unwrap_err();
        assert!(matches!(error, FetchError::TooLarge { limit } if limit == (10 << 20) - 1));
        assert_eq!(undone(&Encoding::Gzip, bomb, 10 << 20).await.unwrap().len(), 10 << 20);
    }

    #[tokio::test]
    async fn the_bodys_own_error_comes_through_the_decoder() {
        for encoding in [Encoding::Identity, Encoding::Gzip, Encoding::Deflate] {
            for (own, told) in [
                (FetchError::Policy("no".to_owned()), "policy: no"),
                (FetchError::TooLarge { limit: encoded_limit(9) }, "larger than 9 bytes"),
            ] {
                let body = stream::once(async { Err(own) }).boxed();
                let mut out = decoded(&encoding, String::new(), body, 9).unwrap();
                let error = out.next().await.unwrap().unwrap_err();
                assert_eq!(error.to_string(), told, "{encoding:?}");
            }
        }
    }
}
