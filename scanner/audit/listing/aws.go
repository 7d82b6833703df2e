package listing

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"
)

// ecrLister asks Amazon's Elastic Container Registry (operation
// DescribeRepositories,
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeRepositories.html).
type ecrLister struct {
	listers
	host string // of the registry
}

type ecrPage struct {
	Repositories []struct {
		URI string `json:"repositoryUri"`
	} `json:"repositories"`
	NextToken string `json:"nextToken"`
}

const awsHint = "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN (aws configure export-credentials --format env), for a role that may ecr:DescribeRepositories"

func (e ecrLister) Repositories(ctx context.Context) iter.Seq2[string, error] {
	m := ecrHost.FindStringSubmatch(e.host)
	if m == nil {
		return fails(problem("write it as ecr:REGION/ACCOUNT", "%q is no registry of Amazon", e.host))
	}
	account, region := m[1], m[3]
	key := awsKey{e.o.Getenv("AWS_ACCESS_KEY_ID"), e.o.Getenv("AWS_SECRET_ACCESS_KEY"), e.o.Getenv("AWS_SESSION_TOKEN")}
	if key.id == "" || key.secret == "" {
		return fails(problem(awsHint, "listing the repositories of %s: there are no credentials of AWS", e.host))
	}
	// Both variables are those of AWS's own tools.
	base := e.o.Getenv("AWS_ENDPOINT_URL_ECR")
	if base == "" {
		base = e.o.Getenv("AWS_ENDPOINT_URL")
	}
	if base == "" {
		base = "https://api.ecr." + region + "." + m[4]
	}
	a, err := e.api("Amazon ECR", base, awsHint, nil)
	if err != nil {
		return fails(err)
	}
	return func(yield func(string, error) bool) {
		token := ""
		for range maxPages {
			page, err := describe(ctx, a, key, region, account, token)
			if err != nil {
				yield("", err)
				return
			}
			for _, r := range page.Repositories {
				if !yield(r.URI, nil) {
					return
				}
			}
			if page.NextToken == "" {
				return
			}
			if page.NextToken == token {
				break
			}
			token = page.NextToken
		}
		yield("", problem("", "Amazon ECR: %w", errEndless))
	}
}

func describe(ctx context.Context, a *api, key awsKey, region, account, token string) (ecrPage, error) {
	in := map[string]any{"registryId": account, "maxResults": 1000}
	if token != "" {
		in["nextToken"] = token
	}
	var page ecrPage
	body, err := json.Marshal(in)
	if err != nil {
		return page, err
	}
	a.auth = func(r *http.Request) {
		r.Header.Del("Accept") // signed headers are fewer
		r.Header.Set("X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories")
		key.sign(r, body, region, "ecr", time.Now())
	}
	return page, a.post(ctx, "/", "application/x-amz-json-1.1", body, &page)
}

// awsKey signs requests (Signature Version 4,
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
type awsKey struct{ id, secret, session string }

// sign signs the host and all headers that are set. The query must be in its
// canonical form.
func (k awsKey) sign(r *http.Request, body []byte, region, service string, now time.Time) {
	stamp := now.UTC().Format("20060102T150405Z")
	r.Header.Set("X-Amz-Date", stamp)
	if k.session != "" {
		r.Header.Set("X-Amz-Security-Token", k.session)
	}
	headers := map[string]string{"host": r.URL.Host}
	for name := range r.Header {
		headers[strings.ToLower(name)] = strings.TrimSpace(r.Header.Get(name))
	}
	names := make([]string, 0, len(headers))
	for name := range headers {
		names = append(names, name)
	}
	slices.Sort(names)
	var canonical strings.Builder
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	canonical.WriteString(r.Method + "\n" + path + "\n" + r.URL.RawQuery + "\n")
	for _, name := range names {
		canonical.WriteString(name + ":" + headers[name] + "\n")
	}
	signed := strings.Join(names, ";")
	canonical.WriteString("\n" + signed + "\n" + hexSum(body))

	scope := stamp[:8] + "/" + region + "/" + service + "/aws4_request"
	text := "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + hexSum([]byte(canonical.String()))
	secret := []byte("AWS4" + k.secret)
	for _, part := range []string{stamp[:8], region, service, "aws4_request"} {
		secret = mac(secret, part)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+k.id+"/"+scope+
		", SignedHeaders="+signed+", Signature="+hex.EncodeToString(mac(secret, text)))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
