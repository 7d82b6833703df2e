package audit

import (
	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit/store"
)

// EventKind says what an Event tells.
type EventKind int

// The kinds of event.
const (
	Listed      EventKind = iota // N images of Repository were listed
	Started                      // a look at an image began, of this process
	Scanned                      // an image has its result
	Retried                      // a look failed with Err; it is tried again
	Failed                       // the last look failed with Err
	LayerBytes                   // N more bytes of a layer, as stored, were read
	LayerRead                    // a layer was read to its end
	LayerCached                  // a layer was known
	Judged                       // an image was judged again
	Progressed                   // Totals are the run's, of all processes
	Trouble                      // Err: something went wrong that does not stop the work
)

// Event is one step of progress.
type Event struct {
	Kind       EventKind
	Repository string // of the first place of an image
	Digest     string // of the image
	Layer      string // diffID
	N          int64
	Attempt    int              // from 1
	Outcome    denylist.Outcome // of Scanned and Judged
	Findings   int              // of Scanned and Judged: of level denied or review
	Err        error
	Totals     store.Totals
}
