package store

import (
	"context"
	"slices"
	"time"
)

// FailedNotice is a notice of a pushed image that could not be worked on.
type FailedNotice struct {
	Ref        string // as the registry named the image
	Repository string // "host/path"
	Error      string
	Failed     time.Time
}

// SaveNoticeFailure keeps why a notice could not be worked on.
func (s *Store) SaveNoticeFailure(ctx context.Context, n FailedNotice) error {
	return s.write(ctx, "writing the failure of a notice of "+n.Ref, func(t tx) error {
		return t.insert(ctx, "audit_notice_failed (ref, repository, error, failed)", 4,
			[][]any{{n.Ref, n.Repository, n.Error, micros(n.Failed)}},
			"ON CONFLICT (ref) DO UPDATE SET error = excluded.error, failed = excluded.failed")
	})
}

// NoticeDone forgets the failures of a notice: it was worked on.
func (s *Store) NoticeDone(ctx context.Context, ref string) error {
	return s.write(ctx, "forgetting the failure of a notice of "+ref, func(t tx) error {
		return t.exec(ctx, "DELETE FROM audit_notice_failed WHERE ref = ?", ref)
	})
}

// RepositoriesListed forgets the failed notices of repositories: an audit has
// listed them since.
func (s *Store) RepositoriesListed(ctx context.Context, repositories []string) error {
	failed, err := s.FailedNotices(ctx)
	if err != nil || len(failed) == 0 {
		return err
	}
	return s.write(ctx, "forgetting failed notices", func(t tx) error {
		for names := range slices.Chunk(sortedSet(repositories), maxRows) {
			in, args := placeholders(names)
			if err := t.exec(ctx, "DELETE FROM audit_notice_failed WHERE repository IN "+in, args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// FailedNotices returns the notices that could not be worked on, the oldest
// first.
func (s *Store) FailedNotices(ctx context.Context) (out []FailedNotice, err error) {
	err = s.read(ctx, "reading failed notices", func(t tx) error {
		out = nil
		return t.rows(ctx, "SELECT ref, repository, error, failed FROM audit_notice_failed ORDER BY failed, ref", nil,
			func(scan func(...any) error) error {
				var n FailedNotice
				var at int64
				err := scan(&n.Ref, &n.Repository, &n.Error, &at)
				n.Failed = fromMicros(at)
				out = append(out, n)
				return err
			})
	})
	return out, err
}
