//! `graylane serve`: a directory of rule sets, delivered to Envoys.

mod ending;
mod entrance;
mod files;
mod listen;
mod origin;
mod signing;

use std::{io::Write as _, net::SocketAddr, path::Path, process::ExitCode, sync::Arc, time::Duration};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    access::Door, clock::Clock, connections::Connections, directory, failure::Failure, keeping, namespace::Namespace,
    overrides, owned, page, reload, revisions, sharing::Sharing, terminal,
};
use entrance::Entrance;
use graylane_store::Place;
use origin::{Origin, Served};
use signing::Signing;

/// So often it is looked whether the certificate that is shown ends.
const LOOK: Duration = Duration::from_secs(60);

/// So long the end waits for what is under way on other threads, such as a compilation of which nobody wants the outcome. What
/// holds the store is among it, which is closed in order only by then.
const CLOSING: Duration = Duration::from_secs(2);

/// Serve rule sets to Envoys: revisions that a store keeps, or a directory as it stands.
///
/// With --store it delivers the head of the store, now and whenever it moves, and makes revisions: `graylane help publish` and
/// `rollback`. Several may serve one store in etcd; each knows what Envoys report to the others. Where the store does not
/// answer, what is delivered stays. Overrides of switches are published with the documents there.
///
/// With --rules it reads every *.yaml, *.yml and *.json in DIR (not hidden ones, not those in directories within), compiles them
/// into one snapshot and delivers it to the fetcher in each Envoy, now and within milliseconds of every change. Files
/// may be written, renamed into place, or swapped by a link as Kubernetes does.
///
/// Documents that do not compile change nothing: the last good revision stays, and stderr and the status say why. The
/// same holds for a directory that is empty or not there; it is waited for.
///
/// Where a worker of an Envoy refuses a revision, stderr and the status say which and why. The common reason, a header
/// that the filter's ownedHeaders do not name, is found here already if --owned tells which they name.
///
/// With --signing-key what is delivered is signed, and a fetcher that knows the key takes nothing else: see `graylane
/// help keys`. An older snapshot format is delivered to an Envoy whose filters read no newer one.
///
/// `graylane status` shows who runs what. /metrics tells Prometheus: what is published, workers that are current, stale
/// or refusing, polls, acks and nacks, signatures, as graylane_control_revision_bytes what each revision holds in memory, and
/// as graylane_control_time_to_effect_seconds how long changes take, from the event of the file to the ack of the last live
/// worker.
///
/// Revisions are numbered EPOCH.NUMBER. The epoch is the Unix time, in milliseconds, at which serving began, so that
/// revisions grow over a restart. Where the clock was set back in between they do not, and no Envoy takes any: the status
/// says so, and when to start again: as soon as the clock is past the epoch that they run.
///
/// With --switches values of switches stand above those of the rule sets, for all variants: they are part of what is
/// published. Those of a file are read again on SIGUSR1, or by POST /v1/switches/reload, which answers with what changed. A
/// file that cannot be used changes nothing, and the answer, stderr and the status say why. Every change of a switch, by the
/// file or by a document, is a line on stderr and an event SwitchChanged of /v1/events.
///
/// On an address that other machines reach it begins only with TLS (--tls-cert, --tls-key) and callers (--callers): who is known
/// by which token or client certificate, and may what. `graylane tokens new` makes tokens; docs/access.md has the roles, the
/// limits, and how everything is replaced while it serves. On loopback without callers everybody may everything.
///
/// On the address is also a page to look at in a browser, which reads and changes nothing. It is shown under addresses and
/// `localhost`; under another name only where --page-host gives it, so that no other site's name can be pointed here.
///
/// An Envoy has two connections open, one that polls and one that reports, and each takes a file descriptor. The soft
/// limit of these is raised to the hard one (`ulimit -Hn`), and the log says what it is: half of it, less a few dozen, is
/// how many Envoys can be served, up to 10,000.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane serve --rules rules/
  graylane serve --store redb:///var/lib/graylane/store.redb \\
    --backup-to /var/backups/graylane --backup-every 6h
  graylane serve --rules rules/ --owned x-gray-variant,x-feature-flags
  graylane serve --rules rules/ --signing-key release-1.pem --valid-for 24h
  graylane serve --rules rules/ --listen 0.0.0.0:8460 --callers callers.yaml \\
    --tls-cert server.pem --tls-key server-key.pem --client-ca ca.pem
  # any free port; the first line of stdout tells which
  graylane serve --rules rules/ --listen localhost:0
  curl -s http://127.0.0.1:8460/v1/namespaces/default/status

Paths:
  GET  /                              a page: what is published, who runs it
  GET  /history, /history/REVISION    what was published, and what it changed
  GET  /rule-sets/NAME                a rule set, and the shares it gives
  GET  /explain                       why a request goes where it goes
  GET  /v1/namespaces/NAME/snapshot   long poll: ?after=E.N&formats=2&wait=25s
  POST /v1/namespaces/NAME/acks       what the workers of an Envoy run
  GET  /v1/namespaces/NAME/status     revision, problems, who runs what
  POST /v1/namespaces/NAME/revisions  publish; GET lists, GET …/N shows
  GET  …/revisions/N/documents, …/N/acks
  GET  …/backup, …/verify; POST …/restore, …/compact
  POST /v1/namespaces/NAME/rollback, …/off, …/on, …/freeze, …/unfreeze
  POST /v1/switches/reload            read --switches @FILE again
  GET  /v1/events                     what happens, as server-sent events
  GET  /metrics                       all that in figures, for Prometheus
  GET  /healthz, /readyz              alive; a revision is published
  GET  /v1/openapi.json               all of that, as OpenAPI 3.1 has it

Signals:
  SIGTERM, SIGINT  answer whoever waits, and end: within 5 s, or 60 more where
                   a backup, a restore or the like is under way
  SIGHUP           read signing keys, certificates and callers again, where
                   there are any
  SIGUSR1          read --switches @FILE again

Exit codes:
  0  ended by SIGTERM or SIGINT, every waiting poll answered, and what was
     under way on all revisions, such as a restore, done
  2  wrong usage, such as a file for the directory; a store, a key, a
     certificate or the file of callers cannot be used; the address cannot be
     listened on; reading the directory failed by a fault of graylane:
     start it again; or what was under way on all revisions took longer than
     60 seconds, and was cut off")]
pub struct Arguments {
    #[command(flatten)]
    origin: Origin,
    /// Where to listen. Port 0 takes any that is free.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8460", value_parser = listen::address)]
    listen: SocketAddr,
    /// A header in the filter's ownedHeaders; rules that set one that is not named are broken. Repeat it, or put
    /// commas between. Not given: the rules may set any.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = owned::parse_name)]
    owned: Vec<String>,
    /// The name Envoys ask for.
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = namespace_name)]
    namespace: String,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    entrance: Entrance,
    #[command(flatten)]
    switches: overrides::Switches,
    #[command(flatten)]
    page: page::settings::Options,
    #[command(flatten)]
    backups: keeping::schedule::Backups,
    /// Listen on an address that other machines reach, although there is no encryption or nobody is asked who he is.
    #[arg(long)]
    insecure_listen: bool,
}

fn namespace_name(name: &str) -> Result<String, String> {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    if name.is_empty() || name.len() > 63 || !name.bytes().all(letter) || name.starts_with(['-', '_']) {
        return Err("expected 1 to 63 lower-case letters, digits, '-' and '_', a letter or digit first".to_owned());
    }
    Ok(name.to_owned())
}

/// Serves until it is told to end.
///
/// # Errors
/// Where it cannot listen, or is given no directory.
pub fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    if !arguments.insecure_listen {
        arguments.entrance.expect_guarded(arguments.listen)?;
    }
    let place = arguments.origin.place()?;
    let backups = arguments.backups.schedule().map_err(Failure::unable)?;
    if let Place::Files(directory) = &place {
        expect_directory(directory)?;
        if backups.is_some() {
            let found = "--backup-to: found it with a directory, which keeps no revisions";
            return Err(Failure::unable(format!("{found}, expected it with --store")));
        }
    } else if arguments.switches.origin()? != overrides::Origin::Nowhere {
        let found = "--switches: found it with a store";
        return Err(Failure::unable(format!("{found}, expected it with `graylane publish`, which keeps them there")));
    }
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(terminal::colours(&std::io::stderr()))
        .init();
    if let Place::Files(directory) = place
        && !directory.exists()
    {
        tracing::warn!("--rules: found no directory {}, expected one: waiting for it", directory.display());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|why| Failure::unable(format!("no threads to serve with: {why}")))?;
    let outcome = runtime.block_on(serve(arguments, backups));
    runtime.shutdown_timeout(CLOSING);
    outcome.map(|()| ExitCode::SUCCESS)
}

/// One that is not there yet is waited for; a file would be waited for in vain.
fn expect_directory(rules: &Path) -> Result<(), Failure> {
    if std::fs::metadata(rules).is_ok_and(|found| !found.is_dir()) {
        let found = format!("--rules: found {}, which is a file", rules.display());
        return Err(Failure::unable(format!("{found}, expected the directory that it is in")));
    }
    Ok(())
}

async fn serve(arguments: Arguments, backups: Option<keeping::Schedule>) -> Result<(), Failure> {
    let no_signal = |why| Failure::unable(format!("signals cannot be received: {why}"));
    let ends =
        [signal(SignalKind::terminate()).map_err(no_signal)?, signal(SignalKind::interrupt()).map_err(no_signal)?];
    let Arguments { signing, entrance, .. } = &arguments;
    // Without anything to read again SIGHUP stays what it is: the terminal is gone.
    let is_read_again = !signing.is_empty() || !entrance.is_empty();
    let hangups = if is_read_again { Some(signal(SignalKind::hangup()).map_err(no_signal)?) } else { None };
    let orders = signal(SignalKind::user_defined1()).map_err(no_signal)?;
    let clock = Clock::system();
    let (sealer, door, tls) = (signing.sealer()?, entrance.door()?, entrance.tls(clock.now().wall)?);
    let origin = arguments.switches.origin()?;
    let overriding = origin.read().map_err(Failure::unable)?;
    // Before it listens: whoever reads the address may ask at once.
    let served = arguments.origin.open(&arguments.namespace, &arguments.owned, &clock).await?;
    let listener = listen::bind(arguments.listen)?;
    files::open_many();
    let unable = |why| Failure::unable(format!("--listen {}: {why}", arguments.listen));
    announce(listener.local_addr().map_err(unable)?, entrance.is_encrypted());

    let epoch = u64::try_from(clock.now().wall.as_millisecond()).unwrap_or_default();
    let namespace = Namespace::new(arguments.namespace, epoch, sealer, clock).shown(arguments.page.settings());
    let namespace = Arc::new(match &served {
        Served::Directory(_) => namespace,
        Served::Store(revisions) => namespace.keeping(Arc::clone(revisions)),
    });
    let connections = arguments.entrance.connections(tls, &namespace.metrics);
    arguments.entrance.look(&connections, &namespace);
    let guarded = Guarded { door, connections };
    if let Some(hangups) = hangups {
        let (signing, entrance) = (arguments.signing, arguments.entrance);
        tokio::spawn(read_again(hangups, signing, entrance, guarded.clone(), Arc::clone(&namespace)));
    }
    tokio::spawn(obey(orders, Arc::clone(&namespace)));
    if let Some(sharing) = namespace.sharing.clone() {
        tokio::spawn(share(sharing, Arc::clone(&namespace)));
    }
    if let (Some(backups), Some(revisions)) = (backups, namespace.revisions.clone()) {
        tokio::spawn(backups.keep(revisions, Arc::clone(&namespace)));
    }
    let (owned, following) = (arguments.owned, Arc::clone(&namespace));
    let following = match served {
        Served::Directory(rules) => tokio::spawn(directory::follow(rules, owned, origin, overriding, following)),
        Served::Store(revisions) => tokio::spawn(revisions::follow(revisions, following)),
    };
    ending::answer(listener, namespace, guarded, ends, following).await
}

/// By what requests come in.
#[derive(Clone)]
struct Guarded {
    door: Arc<Door>,
    connections: Arc<Connections>,
}

/// Reads keys, certificates and callers again each time `hangups` tells to, and looks whether a certificate ends, for ever.
async fn read_again(
    mut hangups: Signal,
    signing: Signing,
    entrance: Entrance,
    Guarded { door, connections }: Guarded,
    namespace: Arc<Namespace>,
) {
    loop {
        tokio::select! {
            hangup = hangups.recv() => if hangup.is_none() { return },
            () = tokio::time::sleep(LOOK) => {
                entrance.look(&connections, &namespace);
                continue;
            }
        }
        if !signing.is_empty() {
            signing.read_again(&namespace);
        }
        if !entrance.is_empty() {
            entrance.read_again(&door, &connections, &namespace);
        }
    }
}

/// Tells other control planes what Envoys report, and hears it of them, for ever.
async fn share(sharing: Arc<Sharing>, namespace: Arc<Namespace>) {
    // More Envoys than there may be are no matter of whoever shares.
    let take = |report, at| drop(namespace.take(report, at));
    tokio::join!(sharing.post(&namespace.name), sharing.follow(&namespace.name, &namespace.clock, take));
}

/// Has overrides of switches read again each time `orders` tells to, for ever.
async fn obey(mut orders: Signal, namespace: Arc<Namespace>) {
    while orders.recv().await.is_some() {
        reload::log(&namespace.reload.order().await);
    }
}

/// Tells scripts the address; whoever reads stdout no longer is no reason to stop.
fn announce(address: SocketAddr, is_encrypted: bool) {
    let mut stdout = std::io::stdout().lock();
    let scheme = if is_encrypted { "https" } else { "http" };
    let _ = writeln!(stdout, "listening on {scheme}://{address}").and_then(|()| stdout.flush());
}
