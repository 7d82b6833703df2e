package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/interdict/interdict/scanner/internal/retry"
)

// layerLocks let the scans of this process, and of others on the same PostgreSQL,
// read each layer once. Between processes it is best effort: what is lost by a
// broken connection is a layer read twice.
type layerLocks struct {
	locks *locks // of the database; nil without

	mu      sync.Mutex
	reading map[string]chan struct{} // closed when done
}

func newLayerLocks(pool *pgxpool.Pool) *layerLocks {
	c := &layerLocks{reading: map[string]chan struct{}{}}
	if pool != nil {
		c.locks = &locks{pool: pool}
	}
	return c
}

// Acquire implements scan.LayerLock: it takes the lock of a layer.
func (c *layerLocks) Acquire(ctx context.Context, layer string, wait bool) (func(), error) {
	for {
		c.mu.Lock()
		busy := c.reading[layer]
		if busy == nil {
			done := make(chan struct{})
			c.reading[layer] = done
			c.mu.Unlock()
			free := sync.OnceFunc(func() {
				c.mu.Lock()
				delete(c.reading, layer)
				c.mu.Unlock()
				close(done)
			})
			return c.across(ctx, layer, wait, free)
		}
		c.mu.Unlock()
		if !wait {
			return nil, nil
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// across takes the lock that other processes see. free releases the one within
// this process; it is called on failure.
func (c *layerLocks) across(ctx context.Context, layer string, wait bool, free func()) (func(), error) {
	if c.locks == nil {
		return free, nil
	}
	err := lockPolicy.Do(ctx, func(int) error {
		if c.locks.try(ctx, layer) {
			return nil
		}
		return errLocked
	}, retry.If(func(error) bool { return wait }))
	if err == nil {
		return sync.OnceFunc(func() { c.locks.free(layer); free() }), nil
	}
	free()
	return nil, ctx.Err()
}

// lockPolicy says how often a lock of another process is asked for again.
var lockPolicy = retry.Policy{First: 50 * time.Millisecond, Max: time.Second}

var errLocked = errors.New("another process reads the layer")

// locks are advisory locks of PostgreSQL, on one connection: they go with it,
// and with the process.
type locks struct {
	pool *pgxpool.Pool

	mu   sync.Mutex
	conn *pgxpool.Conn
}

// try takes a lock, and reports whether nobody else has it. Without a database
// nobody has.
func (l *locks) try(ctx context.Context, name string) bool {
	ok := true
	l.do(ctx, func(ctx context.Context) error {
		return l.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", lockID(name)).Scan(&ok)
	})
	return ok
}

func (l *locks) free(name string) {
	l.do(context.Background(), func(ctx context.Context) error {
		_, err := l.conn.Exec(ctx, "SELECT pg_advisory_unlock($1)", lockID(name))
		return err
	})
}

// do uses the connection, and gives up one that does not answer: with it go its
// locks.
func (l *locks) do(ctx context.Context, fn func(ctx context.Context) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// A scan that is cancelled must not break the connection.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if l.conn == nil {
		conn, err := l.pool.Acquire(ctx)
		if err != nil {
			return
		}
		l.conn = conn
	}
	if err := fn(ctx); err != nil {
		l.drop()
	}
}

func (l *locks) drop() {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = l.conn.Hijack().Close(ctx) // not to the pool: others would have its locks
	l.conn = nil
}

// close gives back the connection with all of its locks.
func (c *layerLocks) close() {
	if c.locks == nil {
		return
	}
	c.locks.mu.Lock()
	defer c.locks.mu.Unlock()
	c.locks.drop()
}

func lockID(name string) int64 {
	sum := sha256.Sum256([]byte("interdict layer " + name))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}
