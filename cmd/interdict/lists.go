package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/builtin"
	"github.com/interdict/interdict/denylist/bundle"
	"github.com/interdict/interdict/sbom/attest"
)

// listFlags are the flags of everything that reads denylists.
type listFlags struct {
	denylists []string
	listKey   string
	mirrors   []string
	maxAge    string
	reach     registryFlags // how to reach the registries of lists
	builtin   bool          // the built-in list may be of any age
}

func (f *listFlags) add(fl *pflag.FlagSet) {
	fl.StringArrayVar(&f.denylists, "denylist", nil, "denylist that adds to the built-in list or overrides it: a file (YAML) or oci://REPOSITORY@sha256:... (repeatable)")
	fl.StringVar(&f.listKey, "denylist-key", "", "public key that must have signed every --denylist; an unsigned one is refused")
	fl.StringArrayVar(&f.mirrors, "denylist-mirror", nil, "repository to ask for an oci:// denylist before the one that it names (repeatable)")
	fl.StringVar(&f.maxAge, "max-list-age", "", "refuse a --denylist, or without one the built-in list, that was issued longer ago: 90d, 12w, 720h")
}

// read puts the user's lists over the built-in one. Nothing is fetched but what
// is named.
func (f *listFlags) read(ctx context.Context) (*denylist.List, error) {
	policy, err := f.policy(ctx)
	if err != nil {
		return nil, err
	}
	list := builtin.List()
	if len(f.denylists) == 0 && !f.builtin {
		if err := policy.CheckAge(list, "that is built in"); err != nil {
			return nil, err
		}
	}
	for _, name := range f.denylists {
		over, err := f.fetch(ctx, name, policy)
		if err != nil {
			return nil, err
		}
		list = denylist.Merge(list, over.List)
	}
	return list, nil
}

func (f *listFlags) fetch(ctx context.Context, name string, policy bundle.Policy) (*bundle.Accepted, error) {
	opt := bundle.Options{Mirrors: f.mirrors}
	if strings.HasPrefix(name, bundle.Scheme) {
		client, err := f.reach.client()
		if err != nil {
			return nil, err
		}
		defer client.Close()
		opt.Transport, opt.Keychain, opt.Insecure = client.Transport(), client.Keychain(), f.reach.insecure
	}
	got, err := bundle.Fetch(ctx, name, policy, opt)
	return got, login(err)
}

// login adds what to do when a registry refuses.
func login(err error) error {
	var no *transport.Error
	if errors.As(err, &no) && (no.StatusCode == http.StatusUnauthorized || no.StatusCode == http.StatusForbidden) && no.Request != nil {
		return hinted{err, "log in as a user who may do it: docker login " + no.Request.URL.Host, exitError}
	}
	return err
}

func (f *listFlags) policy(ctx context.Context) (p bundle.Policy, err error) {
	if p.MaxAge, err = parseAge(f.maxAge); err != nil || f.listKey == "" {
		return p, err
	}
	p.Signer, err = attest.NewKeyVerifier(ctx, f.listKey, attest.KeyOptions{Password: askPassword})
	return p, err
}

// parseAge reads "90d", "12w" or a duration of Go; empty is zero.
func parseAge(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	day := 24 * time.Hour
	for suffix, unit := range map[string]time.Duration{"d": day, "w": 7 * day} {
		if n, err := strconv.ParseUint(strings.TrimSuffix(s, suffix), 10, 16); err == nil && strings.HasSuffix(s, suffix) && n > 0 {
			return time.Duration(n) * unit, nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return d, nil
	}
	return 0, usage("write --max-list-age 90d", "reading --max-list-age: %q is no age", s)
}

func newDenylistPush(lists *listFlags) *cobra.Command {
	var s signFlags
	var r registryFlags
	cmd := &cobra.Command{
		Use:   "push REFERENCE [FILE]",
		Short: "Put a denylist into a registry, signed",
		Long: `push puts the denylist in use, or FILE as it is, into a registry as an OCI
artifact, with its signature if a key is given. It prints what to give to
--denylist.`,
		Example: `  interdict denylist push registry.example/lists/house:stable house.yaml --key cosign.key
  interdict scan app.tar --denylist oci://registry.example/lists/house@sha256:... --denylist-key cosign.pub`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error { return pushList(cmd, args, lists, &s, &r) },
	}
	s.add(cmd.Flags())
	r.add(cmd.Flags())
	return cmd
}

func pushList(cmd *cobra.Command, args []string, lists *listFlags, s *signFlags, r *registryFlags) error {
	ctx := cmd.Context()
	var yaml strings.Builder
	if len(args) == 2 {
		b, err := bundle.ReadFile(args[1])
		if err != nil {
			return err
		}
		yaml.Write(b.YAML)
	} else {
		l, err := lists.read(ctx)
		if err != nil {
			return err
		}
		if err := l.Encode(&yaml); err != nil {
			return err
		}
	}
	b := bundle.Bundle{YAML: []byte(yaml.String())}
	signer, err := s.signer(cmd)
	if err == nil && signer != nil {
		b, err = bundle.Sign(ctx, b.YAML, signer)
	}
	if err != nil {
		return err
	}
	client, err := r.client()
	if err != nil {
		return err
	}
	defer client.Close()
	created, err := clock()
	if err != nil {
		return err
	}
	opt := bundle.Options{Transport: client.Transport(), Keychain: client.Keychain(), Insecure: r.insecure}
	digest, err := bundle.Push(ctx, args[0], b, created, opt)
	if err != nil {
		return login(err)
	}
	ref, err := client.ParseReference(strings.TrimPrefix(args[0], bundle.Scheme))
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), bundle.Scheme+ref.Context().Name()+"@"+digest)
	return nil
}

func newDenylistPull(lists *listFlags) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "pull REFERENCE",
		Short: "Take a denylist from a registry into a file, for use without a network",
		Long: `pull writes the list to a file and its signature beside it, FILE.sigstore.json.
With --denylist-key it refuses what that key did not sign, and with
--max-list-age what is too old.`,
		Example: `  interdict denylist pull oci://registry.example/lists/house:stable --denylist-key cosign.pub -f house.yaml
  interdict scan app.tar --denylist house.yaml --denylist-key cosign.pub`,
		Args: exactArgs(1, "a reference"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ref := args[0]
			if !strings.HasPrefix(ref, bundle.Scheme) {
				ref = bundle.Scheme + ref
			}
			policy, err := lists.policy(cmd.Context())
			if err != nil {
				return err
			}
			got, err := lists.fetch(cmd.Context(), ref, policy)
			if err != nil {
				return err
			}
			id := got.List.ID()
			fmt.Fprintf(cmd.ErrOrStderr(), "%s %s, %s, from %s\n", id.Name, id.Version, id.Digest, got.From)
			if file == "" || file == "-" {
				_, err = cmd.OutOrStdout().Write(got.YAML)
				return err
			}
			return writeFiles(map[string][]byte{file: got.YAML, file + bundle.Suffix: got.Signature})
		},
	}
	lists.reach.add(cmd.Flags())
	cmd.Flags().StringVarP(&file, "file", "f", "", "file for the list (default: stdout, without the signature)")
	return cmd
}

// writeFiles writes several files, or none. A nil one is one that must not be
// there: a stale signature would lie.
func writeFiles(files map[string][]byte) error {
	var ready []*pending
	defer func() {
		for _, p := range ready {
			p.discard()
		}
	}()
	for name, data := range files {
		if data == nil {
			continue
		}
		p, err := prepare(output{file: name}, nil)
		if err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
		ready = append(ready, p)
		if _, err := p.Write(data); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	for name, data := range files {
		if data == nil {
			if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
				return fmt.Errorf("removing a stale file: %w", err)
			}
		}
	}
	for _, p := range ready {
		if err := p.publish(); err != nil {
			return fmt.Errorf("writing %s: %w", p.name, err)
		}
	}
	return nil
}
