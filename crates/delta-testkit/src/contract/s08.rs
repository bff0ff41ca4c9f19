//! S8: `now` is an argument of every decision and every statement.

use std::time::Duration;

use delta_core::{Changeset, Due, DueQuery, LaneQuery, Names, Resource, State, Store, Timestamp};

use super::fixture::Fixture;
use super::kit::{Kit, applied};
use super::rows::{changeset, insert, lane, renew, rescue, row};

/// A life of a resource long ago, and one far ahead: what is due and what is over does not depend on the database's clock.
pub async fn s08_now_is_an_argument<F: Fixture>(kit: Kit<F>) {
    let year_1990 = Timestamp::from_micros(631_152_000_000_000);
    let year_2500 = Timestamp::from_micros(16_725_225_600_000_000);
    for start in [year_1990, year_2500] {
        let at = |seconds| start + Duration::from_secs(seconds);
        let new = Resource {
            run_at: Some(at(10)),
            state_since: at(0),
            created_at: at(0),
            updated_at: at(0),
            ..row(&format!("{start}"))
        };
        let id = applied(&kit.commit(&changeset(at(0), [insert(new)])).await.outcomes[0]).id;
        assert_eq!(kit.events_of(id).await[0].at, at(0));
        let lanes = |now| LaneQuery { now, namespaces: Names::All, kinds: Names::All };
        let over = |now| DueQuery { due: Due::Rescue { now }, namespaces: Names::All, kinds: Names::All, limit: 9 };
        let mut conn = kit.reader().await;
        assert_eq!(kit.store().lanes(&mut conn, &lanes(at(9))).await.expect("lanes"), []);
        assert_eq!(kit.store().lanes(&mut conn, &lanes(at(10))).await.expect("lanes"), [lane()]);
        assert_eq!(kit.claim(at(9), 9).await, []);
        let claimed = kit.claim(at(10), 9).await.remove(0);
        assert_eq!((claimed.attempted_at, claimed.updated_at), (Some(at(10)), at(10)));
        assert_eq!(kit.store().due(&mut conn, &over(at(69))).await.expect("what is due"), []);
        assert_eq!(kit.store().due(&mut conn, &over(at(70))).await.expect("what is due").len(), 1);
        applied(&kit.commit(&changeset(at(60), [renew(&claimed, at(120))])).await.outcomes[0]);
        let early = kit.commit(&changeset(at(119), [rescue(&claimed, at(119))])).await.outcomes[0];
        assert_eq!(early, delta_core::Outcome::Lost);
        let late = Changeset { now: at(120), ..changeset(at(120), [rescue(&claimed, at(120))]) };
        applied(&kit.commit(&late).await.outcomes[0]);
        let rescued = kit.row(id).await;
        assert_eq!((rescued.state.clone(), rescued.updated_at, rescued.state_since), (State::Failed, at(120), at(120)));
        assert_eq!(kit.events_of(id).await[1].at, at(120));
        let parked = Resource { paused: true, ..rescued };
        applied(&kit.apply(at(121), super::rows::update(&parked, at(121))).await);
    }
}
