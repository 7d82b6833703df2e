package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/interdict/interdict/sbom/attest"
	"github.com/interdict/interdict/scanner/registry"
)

// signFlags are the flags of everything that signs. Their names are cosign's.
type signFlags struct {
	sign      bool
	key       string
	token     string
	fulcio    string
	rekor     string
	timestamp string
	tlog      bool
}

func (f *signFlags) add(fl *pflag.FlagSet) {
	fl.BoolVar(&f.sign, "sign", false, "sign; without --key by the identity of the environment (SIGSTORE_ID_TOKEN, GitHub Actions)")
	fl.StringVar(&f.key, "key", "", "sign with this private key: a file (PEM, cosign's encrypted keys), env://NAME, or the URI of a key management service (needs the program sigstore-kms-SCHEME)")
	fl.StringVar(&f.token, "identity-token", "", "file of an identity token, or the token itself (which others can then see in the list of processes), in place of the environment's")
	fl.StringVar(&f.fulcio, "fulcio-url", attest.PublicFulcio, "authority that certifies identities")
	fl.StringVar(&f.rekor, "rekor-url", attest.PublicRekor, "transparency log")
	fl.BoolVar(&f.tlog, "tlog-upload", false, "note the signature in the transparency log, for all to see (default: only when signing by identity)")
	fl.StringVar(&f.timestamp, "timestamp-server-url", "", "timestamp authority (RFC 3161)")
}

// signer returns nil when nothing is to be signed.
func (f *signFlags) signer(cmd *cobra.Command) (*attest.Signer, error) {
	ctx := cmd.Context()
	if f.key == "" && cmd.Flags().Changed("key") {
		return nil, usage("is a variable not set? leave --key away to sign by identity (--sign) or not at all", "--key is empty")
	}
	log := attest.LogOptions{Timestamp: f.timestamp}
	keyless := f.key == ""
	if f.tlog || keyless && !cmd.Flags().Changed("tlog-upload") {
		log.Rekor = f.rekor
	}
	switch {
	case f.key != "":
		return attest.NewKeySigner(ctx, f.key, attest.KeyOptions{Password: askPassword}, log)
	case !f.sign && f.token == "":
		for _, name := range []string{"identity-token", "fulcio-url", "rekor-url", "tlog-upload", "timestamp-server-url"} {
			if cmd.Flags().Changed(name) {
				return nil, usage("add --key KEY or --sign", "--%s says how to sign, and nothing is to be signed", name)
			}
		}
		return nil, nil
	}
	token, err := readToken(f.token)
	if err != nil {
		return nil, err
	}
	return attest.NewKeylessSigner(ctx, attest.KeylessOptions{Token: token, Fulcio: f.fulcio, Log: log})
}

// readToken takes a token, or the file that holds it.
func readToken(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	if fi, err := os.Stat(s); err == nil && fi.Mode().IsRegular() && fi.Size() < 64<<10 {
		data, err := os.ReadFile(s)
		if err != nil {
			return "", fmt.Errorf("reading the identity token: %w", err)
		}
		return string(attest.Document(data)), nil
	}
	return s, nil
}

// askPassword takes a key's password from COSIGN_PASSWORD, or asks for it.
func askPassword() ([]byte, error) {
	if p, ok := os.LookupEnv("COSIGN_PASSWORD"); ok {
		return []byte(p), nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return nil, errors.New("COSIGN_PASSWORD is not set, and there is no terminal to ask at")
	}
	fmt.Fprint(os.Stderr, "Password of the key: ")
	p, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(os.Stderr)
	return p, err
}

// trustFlags are the flags that say whose signature counts.
type trustFlags struct {
	key, identity, identityRegexp, issuer, issuerRegexp string
	trustedRoot                                         string
	offline, needLog                                    bool
}

func (f *trustFlags) add(fl *pflag.FlagSet) {
	fl.StringVar(&f.key, "key", "", "trust this public key: a file (PEM), env://NAME, or the URI of a key management service")
	fl.StringVar(&f.identity, "certificate-identity", "", "trust this identity: an address, or that of a workflow")
	fl.StringVar(&f.identityRegexp, "certificate-identity-regexp", "", "trust the identities that this regular expression matches")
	fl.StringVar(&f.issuer, "certificate-oidc-issuer", "", "who must have issued the identity")
	fl.StringVar(&f.issuerRegexp, "certificate-oidc-issuer-regexp", "", "the same, as a regular expression")
	fl.StringVar(&f.trustedRoot, "trusted-root", "", "file of the authorities that are trusted (trusted_root.json) in place of the public ones")
	fl.BoolVar(&f.needLog, "require-tlog", false, "with an identity: demand an entry in the transparency log, also where a timestamp tells the time")
}

// verifier returns nil when no key or identity is given.
func (f *trustFlags) verifier(cmd *cobra.Command) (*attest.Verifier, error) {
	ctx := cmd.Context()
	keyless := f.identity+f.identityRegexp+f.issuer+f.issuerRegexp != ""
	switch {
	case f.key != "" && keyless:
		return nil, usage("choose one", "--key and --certificate-identity are both given")
	case f.key != "" && (f.needLog || f.trustedRoot != ""):
		return nil, usage("use them with --certificate-identity: a key needs no authority and no log", "--require-tlog and --trusted-root do not go with --key")
	case f.key != "":
		return attest.NewKeyVerifier(ctx, f.key, attest.KeyOptions{Password: askPassword})
	case keyless && (f.identity+f.identityRegexp == "" || f.issuer+f.issuerRegexp == ""):
		return nil, usage("anybody can have an identity of that name from another issuer: give --certificate-identity and --certificate-oidc-issuer", "an identity is trusted by half")
	case keyless:
		id := attest.Identity{Subject: f.identity, SubjectRegexp: f.identityRegexp, Issuer: f.issuer, IssuerRegexp: f.issuerRegexp}
		return attest.NewIdentityVerifier(ctx, id, attest.RootOptions{File: f.trustedRoot, Offline: f.offline, NeedLog: f.needLog})
	}
	return nil, nil
}

// registryFlags say how to reach registries.
type registryFlags struct {
	insecure bool
	ca       string
}

func (f *registryFlags) add(fl *pflag.FlagSet) {
	fl.BoolVar(&f.insecure, "insecure-registry", false, "allow plain HTTP and certificates that do not verify")
	fl.StringVar(&f.ca, "registry-ca", "", "file of PEM certificates to trust for registries")
}

func (f *registryFlags) client() (*registry.Client, error) {
	return registry.New(registry.Options{Version: version(), Insecure: f.insecure, CAFile: f.ca})
}
