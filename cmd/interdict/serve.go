package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/interdict/interdict/scanner/audit/dashboard"
)

// serveFlags are the flags of serve.
type serveFlags struct {
	workFlags
	listen        string
	tokenFile     string
	readTokenFile string
	hosts         []string
	work          bool
}

func newServe() *cobra.Command {
	f := serveFlags{workFlags: workFlags{patient: true}}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Show audits in a web page, and take notifications of registries",
		Long: `serve shows what audits found: pages, a JSON API (/api/v1/openapi.json), metrics for
Prometheus (/metrics) and health (/healthz, /readyz). It only reads, unless it
has a token: whoever sends that may queue images, by the API or by the webhooks
of registries (/webhooks/distribution, harbor, quay, ghcr). They are judged as
the images of the newest audit. With --work it also looks at what is queued;
otherwise that is for 'interdict audit work', here or elsewhere.

The token is in --token-file or INTERDICT_TOKEN; what readers must send, if
anything, in --read-token-file or INTERDICT_READ_TOKEN. It speaks HTTP: put a
proxy that speaks TLS in front of it before others than this machine reach it.`,
		Example: `  interdict serve
  INTERDICT_TOKEN=... interdict serve --listen :8080 --host audit.example --work`,
		Args: exactArgs(0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.explain(runServe(cmd, &f)) },
	}
	fl := cmd.Flags()
	f.workFlags.add(fl)
	fl.StringVar(&f.listen, "listen", "127.0.0.1:8080", "address to listen on")
	fl.StringVar(&f.tokenFile, "token-file", "", "file with the token of whoever may queue images")
	fl.StringVar(&f.readTokenFile, "read-token-file", "", "file with the token of whoever may read")
	fl.StringSliceVar(&f.hosts, "host", nil, "name that the server is reached by, without port (repeatable)")
	fl.BoolVar(&f.work, "work", false, "look at queued images as well")
	return cmd
}

func runServe(cmd *cobra.Command, f *serveFlags) error {
	token, err := serverToken(f.tokenFile, "INTERDICT_TOKEN")
	if err != nil {
		return err
	}
	reading, err := serverToken(f.readTokenFile, "INTERDICT_READ_TOKEN")
	if err != nil {
		return err
	}
	w, err := f.openAudit(cmd)
	if err != nil {
		return err
	}
	defer w.close()
	var lc net.ListenConfig
	ln, err := lc.Listen(cmd.Context(), "tcp", f.listen)
	if err != nil {
		return hinted{fmt.Errorf("listening on %s: %w", f.listen, err), "choose another address with --listen", exitError}
	}
	p := w.progress(false) // a server has no line to draw
	defer p.stop()
	opt := dashboard.Options{Store: w.audit.Store(), Token: token, ReadToken: reading, Hosts: f.hosts, Version: version(),
		Log: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))}
	if token != "" {
		opt.Queue = w.audit
	}
	p.say("listening on http://%s, showing %s", ln.Addr(), shownURL(w.url))
	return w.serve(cmd.Context(), ln, dashboard.NewServer(f.listen, dashboard.New(opt)), f.work, p)
}

// serve serves, and works, until ctx is done or one of both fails.
func (w *auditing) serve(ctx context.Context, ln net.Listener, srv *http.Server, work bool, p *auditProgress) error {
	g, group := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		<-group.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := srv.Shutdown(end); err != nil {
			return srv.Close() // pages that show a run live do not end by themselves
		}
		return nil
	})
	if work {
		g.Go(func() error {
			if err := w.run(group, 0, p); err != nil && group.Err() == nil {
				return err
			}
			return nil
		})
	}
	return g.Wait()
}

// serverToken reads a token from a file, or from the environment.
func serverToken(file, variable string) (string, error) {
	if file == "" {
		return os.Getenv(variable), nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading a token: %w", err)
	}
	text = bytes.TrimSpace(text)
	if len(text) < 16 || bytes.ContainsAny(text, " \t\r\n") {
		return "", hinted{fmt.Errorf("the token in %s is no line of 16 or more characters", file), "openssl rand -hex 32 makes one", exitError}
	}
	return string(text), nil
}
