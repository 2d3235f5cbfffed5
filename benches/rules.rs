use std::time::Instant;
fn main(){
    let n=1000;
    let sources: Vec<String> = (0..n).flat_map(|i| vec![
      format!(r"^Priority changed from \w+ to Emergency{i} \(Critical\)$"),
      format!(r"Issue #(?<issue>\d+) has been (updated|reported) by (?<who>[^.\n]+)\. host{i}"),
      r"\S".to_owned()]).collect();
    for k in 0..3 {
    let t=Instant::now();
    let hirs: Vec<_> = sources.iter().skip(k).step_by(3).map(|s| {
        regex_syntax::ParserBuilder::new().case_insensitive(true).multi_line(true).nest_limit(100).build().parse(s).unwrap()
    }).collect();
    println!("{k} parse {:?}", t.elapsed());
    let t=Instant::now();
    let hirs2: Vec<_> = sources.iter().skip(k).step_by(3).map(|s| {
        regex_syntax::ast::parse::ParserBuilder::new().nest_limit(100).build().parse(s).unwrap()
    }).collect();
    println!("{k} ast {:?}", t.elapsed());
    let t=Instant::now(); drop(hirs); println!("drop {:?}", t.elapsed()); drop(hirs2);
    }
}
