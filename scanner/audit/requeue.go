package audit

import (
	"context"
	"time"

	"github.com/interdict/interdict/scanner/audit/store"
)

// River has no call for jobs of a client that is gone: by its own means they
// come back after a time that is longer than any job takes. What follows reads
// and writes its table. The columns are those of its migrations 2 to 8:
// attempted_by holds the clients that took the job, the last one last.

// takenBy is true of jobs that are running at the worker that comes first of
// the arguments.
func (a *Audit) takenBy() string {
	if a.store.Dialect() == store.SQLite {
		return "state = 'running' AND json_extract(attempted_by, '$[#-1]') = ?1"
	}
	return "state = 'running' AND attempted_by[array_upper(attempted_by, 1)] = $1"
}

// putBack makes running jobs of a worker available to others, as if they had
// not been tried: all of them, or one by its id.
func (a *Audit) putBack(ctx context.Context, worker string, id ...int64) error {
	var now any = time.Now().UTC()
	set, one := "scheduled_at = $2", " AND id = $3"
	if a.store.Dialect() == store.SQLite {
		now = time.Now().UTC().Format("2006-01-02 15:04:05.000") // as River writes it
		set, one = "scheduled_at = ?2", " AND id = ?3"
	}
	query := "UPDATE river_job SET state = 'available', attempt = CASE WHEN attempt > 0 THEN attempt - 1 ELSE 0 END, " + set +
		" WHERE " + a.takenBy()
	args := []any{worker, now}
	if len(id) > 0 {
		query, args = query+one, append(args, id[0])
	}
	_, err := a.store.DB().ExecContext(ctx, query, args...)
	return err
}

// running returns the jobs that are running at a worker.
func (a *Audit) running(ctx context.Context, worker string) (ids []int64, err error) {
	rows, err := a.store.DB().QueryContext(ctx, "SELECT id FROM river_job WHERE "+a.takenBy(), worker)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
