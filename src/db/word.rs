//! Enums of ours in columns of text.

/// Reads and writes an enum by a word for each variant. sqlx's own derive would ask Postgres for
/// the type on each connection, by a statement with a name, which does not last behind a pooler.
macro_rules! words {
    ($type:ident: $($variant:ident = $word:literal),+ $(,)?) => {
        impl<D: sqlx::Database> sqlx::Type<D> for $type
        where
            str: sqlx::Type<D>,
        {
            fn type_info() -> D::TypeInfo {
                <str as sqlx::Type<D>>::type_info()
            }

            fn compatible(info: &D::TypeInfo) -> bool {
                <str as sqlx::Type<D>>::compatible(info)
            }
        }

        impl<'q, D: sqlx::Database> sqlx::Encode<'q, D> for $type
        where
            &'q str: sqlx::Encode<'q, D>,
        {
            fn encode_by_ref(
                &self,
                buffer: &mut D::ArgumentBuffer<'q>,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                let word = match self {
                    $( Self::$variant => $word, )+
                };
                <&'q str as sqlx::Encode<'q, D>>::encode(word, buffer)
            }
        }

        impl<'r, D: sqlx::Database> sqlx::Decode<'r, D> for $type
        where
            &'r str: sqlx::Decode<'r, D>,
        {
            fn decode(value: D::ValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                match <&'r str as sqlx::Decode<'r, D>>::decode(value)? {
                    $( $word => Ok(Self::$variant), )+
                    other => Err(format!("{other:?} is no {}", stringify!($type)).into()),
                }
            }
        }
    };
}
pub(crate) use words;
