//! Binary form of the values in a session cookie (CBOR, RFC 8949).
//!
//! Fields have numbers. A field that is absent is not written, and a number that is unknown is
//! skipped, so nodes of two versions can share cookies.

use minicbor::decode::{Decode, Decoder, Error as DecodeError};
use minicbor::encode::{Encode, Encoder, Error as EncodeError, Write};

use crate::Timestamp;
use crate::csrf::CsrfSecret;
use crate::model::{CredentialKey, SessionId, UserId};

/// Implements the codec for a type that wraps a text.
macro_rules! text {
    ($($type:ty),+) => {$(
        impl<C> Encode<C> for $type {
            fn encode<W: Write>(
                &self,
                to: &mut Encoder<W>,
                _: &mut C,
            ) -> Result<(), EncodeError<W::Error>> {
                to.str(self.as_str())?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $type {
            fn decode(from: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
                Ok(Self::new(from.str()?))
            }
        }
    )+};
}

text!(CredentialKey, SessionId, UserId);

impl<C> Encode<C> for Timestamp {
    fn encode<W: Write>(
        &self,
        to: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        to.i64(self.as_micros())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Timestamp {
    fn decode(from: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        from.i64().map(Self::from_micros)
    }
}

impl<C> Encode<C> for CsrfSecret {
    fn encode<W: Write>(
        &self,
        to: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        to.bytes(self.as_bytes())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for CsrfSecret {
    fn decode(from: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        let bytes = from.bytes()?.try_into();
        bytes
            .map(Self::from_random)
            .map_err(|_| DecodeError::message("a CSRF secret of this length"))
    }
}
