package registry

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Greeting is what a registry answers to a request without a login: where to
// log in tells whose software it is.
type Greeting struct {
	URL     string // "https://host[:port]", or "http://..." where it speaks no TLS
	Realm   string // of the login: the address of its token service; may be empty
	Service string // by which name the token service knows it; may be empty
}

// Ping asks a registry, "host[:port]", how to log in (distribution
// specification 1.1, "Determining Support").
func (c *Client) Ping(ctx context.Context, registry string) (Greeting, error) {
	reg, err := name.NewRegistry(registry, c.nameOptions()...)
	if err != nil {
		return Greeting{}, &Error{Ref: registry, Kind: BadReference, Err: fmt.Errorf("%q is not a registry", clean(registry)), hint: "write it as HOST or HOST:PORT"}
	}
	ch, err := transport.Ping(ctx, reg, c.pings)
	if err != nil {
		return Greeting{}, c.fail(reg.Name(), reg, err)
	}
	g := Greeting{URL: "https://" + reg.RegistryStr(), Realm: ch.Parameters["realm"], Service: ch.Parameters["service"]}
	if ch.Insecure {
		g.URL = "http://" + reg.RegistryStr()
	}
	return g, nil
}
