//! Puts together the migrations of `sqlxmq`, which applies none itself and asks its users to copy them.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=Cargo.lock");
    let folder = folder("sqlxmq")?.join("migrations");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let up = files(&folder, ".up.sql")?;
    let mut down = files(&folder, ".down.sql")?;
    down.reverse();
    fs::write(out.join("sqlxmq.up.sql"), up.join("\n;\n"))?;
    fs::write(out.join("sqlxmq.down.sql"), down.join("\n;\n"))?;
    Ok(())
}

/// Where cargo keeps the source of a package that this one depends on.
fn folder(package: &str) -> Result<PathBuf, Box<dyn Error>> {
    let output = Command::new(env::var("CARGO")?)
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform"])
        .arg(env::var("TARGET")?)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().ok_or("expected packages in the metadata, found none")?;
    let manifest =
        packages.iter().find(|found| found["name"] == package).and_then(|found| found["manifest_path"].as_str());
    let manifest = manifest.ok_or_else(|| format!("expected {package} among the dependencies, found nothing"))?;
    Ok(Path::new(manifest).parent().ok_or("expected a manifest in a folder, found none")?.to_owned())
}

/// The content of the files whose name ends so, in the order of their names.
fn files(folder: &Path, end: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let mut paths =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    paths.retain(|path| path.to_string_lossy().ends_with(end));
    paths.sort();
    Ok(paths.iter().map(fs::read_to_string).collect::<Result<_, _>>()?)
}
