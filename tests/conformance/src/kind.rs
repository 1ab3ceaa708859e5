// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which kind of vector a case is: by its file's name, else by its keys.

use serde_json::Value;

/// The kinds that can be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    CertName,
    Flow,
    HttpsFetch,
    MxMatch,
    Postfix,
    Report,
    StsPolicy,
    StsTxt,
    TlsrptTxt,
}

/// What a file's name says.
const BY_NAME: &[(&str, Kind)] = &[
    ("cert_name", Kind::CertName),
    ("https_fetch", Kind::HttpsFetch),
    ("mx_match", Kind::MxMatch),
    ("postfix_socketmap", Kind::Postfix),
    ("sts_policy", Kind::StsPolicy),
    ("sts_txt", Kind::StsTxt),
    ("tlsrpt_report", Kind::Report),
    ("tlsrpt_txt", Kind::TlsrptTxt),
];

/// What a case's keys say, the most telling first.
const BY_KEY: &[(&str, Kind)] = &[
    ("lookups", Kind::Flow),
    ("status", Kind::HttpsFetch),
    ("patterns", Kind::MxMatch),
    ("reference_name", Kind::CertName),
    ("body", Kind::StsPolicy),
    ("body_hex", Kind::StsPolicy),
];

/// The kind of `case`, which stands in the file called `stem`.
pub fn of(stem: &str, case: &Value) -> Option<Kind> {
    match BY_NAME.iter().find(|(name, _)| stem.contains(name)) {
        Some((_, kind)) => Some(*kind),
        None => by_keys(case),
    }
}

fn by_keys(case: &Value) -> Option<Kind> {
    if case.get("txt_records").is_some() {
        let names_rua = case.get("rfc").is_some_and(|rfc| rfc.get("rua").is_some());
        return Some(if names_rua {
            Kind::TlsrptTxt
        } else {
            Kind::StsTxt
        });
    }
    BY_KEY
        .iter()
        .find(|(key, _)| case.get(key).is_some())
        .map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_file_name_decides_before_the_keys() {
        let case = json!({"txt_records": [], "rfc": {"usable": false}});
        assert_eq!(of("hidden_tlsrpt_txt_2", &case), Some(Kind::TlsrptTxt));
        assert_eq!(
            of("tlsrpt_report", &json!({"body": ""})),
            Some(Kind::Report)
        );
    }

    #[test]
    fn keys_decide_where_the_name_says_nothing() {
        let records = json!({"txt_records": [], "rfc": {"usable": false, "rua": null}});
        assert_eq!(of("a", &records), Some(Kind::TlsrptTxt));
        assert_eq!(
            of("a", &json!({"status": 200, "body": ""})),
            Some(Kind::HttpsFetch)
        );
        assert_eq!(
            of("a", &json!({"body_hex": null, "body": ""})),
            Some(Kind::StsPolicy)
        );
        assert_eq!(of("flow", &json!({"setup": "prose"})), None);
    }
}
