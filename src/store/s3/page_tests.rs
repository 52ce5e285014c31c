//! Pages as servers write them, and what becomes of them on the way.

use proptest::prelude::*;

use super::*;

const PAGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix>p/</Prefix>
<KeyCount>4</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>true</IsTruncated>
<NextContinuationToken>a&amp;b</NextContinuationToken>
<Contents><Key>p/a</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><Size>1</Size></Contents>
<Contents><Key>p//b</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><Size>1</Size></Contents>
<Contents><Owner><ID>x</ID></Owner><Key>p/c&lt;&#x41;</Key><Size>1</Size></Contents>
<Contents><Key>p/folder/</Key><Size>0</Size></Contents>
<CommonPrefixes><Prefix>p/fine/</Prefix></CommonPrefixes>
<CommonPrefixes><Prefix>p/../</Prefix></CommonPrefixes>
</ListBucketResult>"#;

fn checked(page: &str, token: Option<&str>) -> Result<(PageFacts, String), PageFault> {
    let (facts, rest) = check(Bytes::copy_from_slice(page.as_bytes()), token)?;
    Ok((facts, String::from_utf8(rest.to_vec()).unwrap()))
}

#[test]
fn keys_that_object_store_cannot_hold_are_cut_out_and_told() {
    let (facts, rest) = checked(PAGE, None).unwrap();
    assert_eq!(facts.refused, ["p//b", "p/folder/", "p/../"]);
    assert!(rest.contains("<Key>p/a</Key>") && rest.contains("p/c&lt;&#x41;"));
    assert!(!rest.contains("p//b") && !rest.contains("p/folder/") && !rest.contains("p/../"));
    let (again, same) = checked(&rest, None).unwrap();
    assert_eq!((again.refused.len(), same), (0, rest));
}

#[test]
fn what_is_no_listing_is_refused() {
    let refused = |page: &str| checked(page, None).unwrap_err().to_string();
    for (page, says) in [
        ("<html><body>It works!</body></html>", "no S3 listing but <html>"),
        ("<!DOCTYPE html><html></html>", "no S3 listing but <html>"),
        ("<Error><Code>X</Code></Error>", "no S3 listing but <Error>"),
        ("<ListAllMyBucketsResult/>", "no S3 listing but <ListAllMyBucketsResult>"),
        ("Service temporarily down", "no S3 listing but text"),
        ("{}", "no S3 listing but text"),
        ("", "no S3 listing but empty"),
        ("<ListBucketResult/>", "does not say whether it is complete"),
        ("<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>", "but not where"),
        (
            "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken/>\
             </ListBucketResult>",
            "but not where",
        ),
        (
            "<ListBucketResult><EncodingType>base64</EncodingType><IsTruncated>false</IsTruncated>\
             </ListBucketResult>",
            "unknown encoding",
        ),
        (
            "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult><html/>",
            "no S3 listing but <html>",
        ),
    ] {
        assert!(refused(page).contains(says), "{page}: {}", refused(page));
    }
    let same = checked(PAGE, Some("a&b")).unwrap_err();
    assert!(matches!(same, PageFault::SameToken), "{same}");
    assert!(checked(PAGE, Some("another")).is_ok());
}

#[test]
fn a_listing_that_says_to_be_complete_is_whatever_token_stands_beside_it() {
    let complete = PAGE.replace(">true<", ">false<");
    for page in [
        complete.clone(),
        complete.replace("a&amp;b", ""),
        complete
            .replace("<NextContinuationToken>a&amp;b</NextContinuationToken>", "")
            .replace("</ListBucketResult>", "<NextContinuationToken/></ListBucketResult>"),
        complete.replace(">false<", "> False <"),
    ] {
        let (facts, rest) = checked(&page, Some("a&b")).unwrap();
        assert!(!rest.contains("NextContinuationToken"), "{rest}");
        assert!(rest.contains("<Key>p/a</Key>") && !rest.contains("p//b"), "{rest}");
        assert_eq!(facts.refused.len(), 3);
    }
    for odd in ["", "yes", "1"] {
        let page = PAGE.replace(">true<", &format!(">{odd}<"));
        assert!(matches!(checked(&page, None), Err(PageFault::Incomplete)), "{odd}");
    }
}

#[test]
fn an_encoding_that_is_named_and_empty_is_none() {
    for none in
        ["<EncodingType/>", "<EncodingType></EncodingType>", "<EncodingType> </EncodingType>"]
    {
        let page = PAGE.replace("<KeyCount>", &format!("{none}<KeyCount>"));
        let (facts, rest) = checked(&page, None).unwrap();
        assert_eq!(facts.refused, ["p//b", "p/folder/", "p/../"]);
        assert!(rest.contains("<Key>p/a</Key>"));
    }
}

#[test]
fn keys_that_are_encoded_as_in_urls_are_spelled_out_wherever_the_page_says_so() {
    let entry = |key: &str| format!("<Contents><Key>{key}</Key><Size>1</Size></Contents>");
    let keys = ["p%2Fa%2Bb+c%26%3C", "p%2F%C3%A9", "p/plain", "p%2F%2Fb", "p/%FF"].map(entry);
    let (said, keys) = ("<EncodingType>url</EncodingType>", keys.concat());
    for parts in [[said, &keys], [&keys, said]] {
        let page = format!(
            "<ListBucketResult><IsTruncated>false</IsTruncated>{}</ListBucketResult>",
            parts.concat()
        );
        let (facts, rest) = checked(&page, None).unwrap();
        assert_eq!(facts.refused, ["p//b", "p/%FF\u{0}"]);
        for key in ["p/a+b c&amp;&lt;", "p/é", "p/plain"] {
            assert!(rest.contains(&entry(key)), "{key}: {rest}");
        }
        assert_eq!(rest.matches("<Contents>").count(), 3, "{rest}");
        assert!(!rest.contains("EncodingType"), "{rest}");
        assert_eq!(checked(&rest, None).unwrap().1, rest);
    }
    let plain =
        format!("<ListBucketResult><IsTruncated>false</IsTruncated>{keys}</ListBucketResult>");
    assert!(checked(&plain, None).unwrap().1.contains("<Key>p%2Fa%2Bb+c%26%3C</Key>"));
}

#[test]
fn no_proper_prefix_of_a_page_passes_for_the_page() {
    for end in 0..PAGE.len() {
        let prefix = check(Bytes::copy_from_slice(&PAGE.as_bytes()[..end]), None);
        assert!(prefix.is_err(), "the first {end} bytes pass");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// Whatever a broken server or a hostile one sends: an answer or an error, and what is handed
    /// on has nothing left to cut.
    #[test]
    fn mutated_pages_never_panic_and_cleaned_ones_are_clean(
        edits in prop::collection::vec((0..PAGE.len(), any::<u8>(), 0_usize..4), 1..8),
    ) {
        let mut page = PAGE.as_bytes().to_vec();
        for (at, byte, kind) in edits {
            let at = at.min(page.len().saturating_sub(1));
            match kind {
                0 => page[at] = byte,
                1 => page.insert(at, byte),
                2 => { page.remove(at); }
                _ => { let tail = page.split_off(at); page.extend_from_slice(b"<Key>../"); page.extend(tail); }
            }
        }
        if let Ok((_, clean)) = check(Bytes::from(page), None) {
            let (facts, same) = check(clean.clone(), None).unwrap();
            prop_assert!(facts.refused.is_empty());
            prop_assert_eq!(clean, same);
        }
    }
}
