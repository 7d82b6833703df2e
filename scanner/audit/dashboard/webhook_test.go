package dashboard_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/interdict/interdict/scanner/audit/dashboard"
)

// TestWebhooks: what each registry sends queues what was pushed, and nothing
// else. A file of testdata/webhooks is a notification and, in its second part,
// the images.
func TestWebhooks(t *testing.T) {
	f := newFleet(t)
	names, err := filepath.Glob("testdata/webhooks/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("there are no notifications", err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files := txtar.Parse(text).Files
			body, want := string(files[0].Data), strings.Fields(string(files[1].Data))
			kind, _, _ := strings.Cut(filepath.Base(name), "-")
			kind = strings.TrimSuffix(kind, ".txtar")
			q := &queue{}
			server := serve(t, dashboard.Options{Store: f.Store, Queue: q, Token: token})
			answer, said := ask(t, server, "POST", "/webhooks/"+kind, body, func(r *http.Request) {
				if kind == "ghcr" {
					r.Header.Set("X-Hub-Signature-256", sign(body, token))
					return
				}
				r.Header.Set("Authorization", "Bearer "+token)
			})
			if answer.StatusCode != http.StatusAccepted || !slices.Equal(q.refs, want) {
				t.Errorf("status %d, queued %v, want %v\n%s", answer.StatusCode, q.refs, want, said)
			}
		})
	}
}

// FuzzWebhooks: whatever is sent, nothing is queued that is not an image.
func FuzzWebhooks(f *testing.F) {
	names, _ := filepath.Glob("testdata/webhooks/*.txtar")
	for i, name := range names {
		if text, err := os.ReadFile(name); err == nil {
			f.Add(i%4, txtar.Parse(text).Files[0].Data)
		}
	}
	f.Fuzz(func(t *testing.T, kind int, body []byte) {
		refs, err := dashboard.ReadNotification([]string{"distribution", "harbor", "quay", "ghcr"}[uint(kind)%4], body)
		if err != nil {
			return
		}
		for _, ref := range refs {
			if strings.ContainsAny(ref, " \n\x00'\"<>$`") {
				t.Errorf("queued %q", ref)
			}
		}
	})
}
