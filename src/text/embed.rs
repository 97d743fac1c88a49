//! What the log tells the author of an application that has rolecall in it.

pub const NO_LAYER: &str = "rolecall is not in this request, so it is refused: put \
    .layer(auth.layer()) around the router, inside of no middleware that takes extensions away";

pub const UNKNOWN: &str = "a guard asks for a role or permission that does not exist; as long as \
    that is so, nobody has it";
