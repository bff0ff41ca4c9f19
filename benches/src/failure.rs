/// Why a run could not be done.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
