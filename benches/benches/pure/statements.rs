use criterion::Criterion;
use delta_sql::{SchemaName, postgres};

/// Renders all statements of a schema: once for each store that is opened.
pub(crate) fn render(criterion: &mut Criterion) {
    let schema = SchemaName::new("delta").expect("a name");
    criterion.bench_function("statements of a schema", |bencher| {
        bencher.iter(|| postgres::Statements::new(&schema));
    });
}
