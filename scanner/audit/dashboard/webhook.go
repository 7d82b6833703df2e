package dashboard

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

const (
	maxBody = 1 << 20 // bytes of a notification or request
	maxRefs = 1000    // images that one notification or request may name
)

// webhook takes the notification of a registry and queues what was pushed. The
// formats are those of
//
//   - distribution: https://distribution.github.io/distribution/about/notifications
//   - Harbor: https://goharbor.io/docs/latest/working-with-projects/project-configuration/configure-webhooks
//   - Quay: https://docs.redhat.com/en/documentation/red_hat_quay, "Repository Notifications"
//   - GHCR: https://docs.github.com/en/webhooks/webhook-events-and-payloads, "package" and "registry_package"
func (d *dashboard) webhook(w http.ResponseWriter, r *http.Request) {
	read, ok := notifications()[cmp.Or(r.PathValue("registry"), "ghcr")]
	if !ok {
		d.problem(w, r, http.StatusNotFound, "There is no such kind of notification.", "The kinds are distribution, harbor, quay and ghcr.")
		return
	}
	body, ok := d.body(w, r)
	if !ok {
		return
	}
	refs, err := read(body)
	if err != nil {
		d.problem(w, r, http.StatusUnprocessableEntity, "The notification could not be read: "+err.Error()+".", "")
		return
	}
	d.enqueue(w, r, refs)
}

// notifications are the readers of each form. They give references as the
// registry writes them, which enqueue checks.
func notifications() map[string]func([]byte) ([]string, error) {
	return map[string]func([]byte) ([]string, error){
		"distribution": distributionRefs, "harbor": harborRefs, "quay": quayRefs, "ghcr": githubRefs,
	}
}

// github is webhook for GitHub, which signs with the token instead of sending it.
func (d *dashboard) github(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Hub-Signature-256") == "" {
		d.changing(d.webhook)(w, r)
		return
	}
	if d.opt.Token == "" || d.opt.Queue == nil {
		d.changing(nil)(w, r) // says which of the two is missing
		return
	}
	body, ok := d.body(w, r)
	if !ok {
		return
	}
	if !signed(r.Header.Get("X-Hub-Signature-256"), body, d.opt.Token) {
		d.problem(w, r, http.StatusUnauthorized, "The signature is not of this body by the token.", "Give GitHub the token as the webhook's secret.")
		return
	}
	refs, err := githubRefs(body)
	if err != nil {
		d.problem(w, r, http.StatusUnprocessableEntity, "The notification could not be read: "+err.Error()+".", "Choose application/json as its content type.")
		return
	}
	d.enqueue(w, r, refs)
}

// body reads the whole of a request's body, up to maxBody.
func (d *dashboard) body(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		d.problem(w, r, http.StatusRequestEntityTooLarge, fmt.Sprintf("The body has more than %d bytes.", maxBody), "")
	case err != nil:
		d.problem(w, r, http.StatusBadRequest, "The body could not be read.", "")
	}
	return body, err == nil
}

// enqueue queues the images and says which.
func (d *dashboard) enqueue(w http.ResponseWriter, r *http.Request, refs []string) {
	slices.Sort(refs)
	refs = slices.Compact(refs)
	if len(refs) > maxRefs {
		d.problem(w, r, http.StatusRequestEntityTooLarge, fmt.Sprintf("The request names more than %d images.", maxRefs), "")
		return
	}
	for _, ref := range refs {
		if !reference.MatchString(ref) {
			d.problem(w, r, http.StatusUnprocessableEntity, fmt.Sprintf("%q is not an image: it must be HOST/REPOSITORY with :TAG or @DIGEST.", cut(ref, 200)), "")
			return
		}
	}
	var refused []string
	if len(refs) > 0 {
		var err error
		if refused, err = d.opt.Queue.Enqueue(r.Context(), refs...); err != nil {
			d.fail(w, r, fmt.Errorf("queueing %d images: %w", len(refs), err))
			return
		}
	}
	if len(refused) > 0 {
		d.metrics.refused.Add(float64(len(refused)))
		d.log.WarnContext(r.Context(), "refused images that no audit's scope covers", "count", len(refused), "first", cut(refused[0], 200))
	}
	if len(refused) > 0 && len(refused) == len(refs) {
		d.problem(w, r, http.StatusForbidden, fmt.Sprintf("No audit's scope covers %q.", cut(refused[0], 200)),
			"Name its registry in an audit first: interdict audit start REGISTRY.")
		return
	}
	d.json(w, r, http.StatusAccepted, struct {
		Queued  []string `json:"queued"`
		Refused []string `json:"refused"`
	}{each(slices.DeleteFunc(refs, func(ref string) bool { return slices.Contains(refused, ref) }), func(s string) string { return s }), list(refused)})
}

// reference is the form of what is queued: a host, a repository, and a tag or a
// digest (distribution-spec, "Pulling manifests").
var reference = regexp.MustCompile(`^[a-zA-Z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+(:[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127})?(@[a-z0-9]+:[0-9a-f]{32,128})?$`)

// image is the reference of a push. The tag is preferred, because by it the
// audit learns that the tag leads there; a manifest without one has its digest.
func image(repository, tag, digest string) string {
	if tag != "" {
		return repository + ":" + tag
	}
	return repository + "@" + digest
}

func distributionRefs(body []byte) (refs []string, err error) {
	var envelope struct {
		Events []struct {
			Action string
			Target struct {
				MediaType, Digest, Repository, Tag, URL string
			}
			Request struct{ Host string }
		}
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return nil, err
	}
	if envelope.Events == nil {
		return nil, errors.New("it has no events")
	}
	for _, e := range envelope.Events {
		// Layers are told of too: only manifests have an address below manifests.
		manifest := strings.Contains(e.Target.MediaType, "manifest") || strings.Contains(e.Target.MediaType, "image.index")
		if e.Action == "push" && manifest && e.Request.Host != "" && e.Target.Repository != "" {
			refs = append(refs, image(e.Request.Host+"/"+e.Target.Repository, e.Target.Tag, e.Target.Digest))
		}
	}
	return refs, nil
}

type harborData struct {
	Resources []struct {
		Digest      string
		Tag         string
		ResourceURL string `json:"resource_url"`
	}
}

func harborRefs(body []byte) (refs []string, err error) {
	var event struct {
		Type  string
		Event harborData `json:"event_data"`
		Data  harborData // of CloudEvents
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return nil, err
	}
	switch event.Type {
	case "":
		return nil, errors.New("it has no type")
	case "PUSH_ARTIFACT", "pushImage", "harbor.artifact.pushed":
	default:
		return nil, nil
	}
	for _, res := range append(event.Event.Resources, event.Data.Resources...) {
		if res.ResourceURL != "" {
			refs = append(refs, res.ResourceURL)
		}
	}
	return refs, nil
}

func quayRefs(body []byte) (refs []string, err error) {
	var event struct {
		DockerURL   string          `json:"docker_url"`
		UpdatedTags json.RawMessage `json:"updated_tags"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return nil, err
	}
	if event.DockerURL == "" {
		return nil, errors.New("it has no docker_url")
	}
	// A list of tags; older versions made an object of them.
	var tags []string
	if event.UpdatedTags != nil && json.Unmarshal(event.UpdatedTags, &tags) != nil {
		var digests map[string]any
		if err := json.Unmarshal(event.UpdatedTags, &digests); err != nil {
			return nil, errors.New("its updated_tags are neither a list nor an object")
		}
		for tag := range digests {
			tags = append(tags, tag)
		}
	}
	for _, tag := range tags {
		refs = append(refs, image(event.DockerURL, tag, ""))
	}
	return refs, nil
}

type githubPackage struct {
	Ecosystem   string
	PackageType string `json:"package_type"`
	Version     struct {
		Version    string
		PackageURL string `json:"package_url"`
		Container  struct {
			Tag struct{ Name, Digest string }
		} `json:"container_metadata"`
	} `json:"package_version"`
}

func githubRefs(body []byte) ([]string, error) {
	var event struct {
		Action          string
		Package         githubPackage
		RegistryPackage githubPackage `json:"registry_package"`
		Zen             string        // of the first delivery, a ping
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return nil, err
	}
	p := event.Package
	if p.Version.PackageURL == "" {
		p = event.RegistryPackage
	}
	if event.Action == "" && event.Zen == "" {
		return nil, errors.New("it has no action")
	}
	if event.Action != "published" && event.Action != "updated" || !strings.HasPrefix(p.Version.PackageURL, "ghcr.io/") {
		return nil, nil
	}
	repository, tag, _ := strings.Cut(strings.ToLower(p.Version.PackageURL), ":")
	if tag != "" {
		tag = p.Version.PackageURL[len(repository)+1:] // tags keep their case
	}
	if p.Version.Container.Tag.Name != "" {
		tag = p.Version.Container.Tag.Name
	}
	return []string{image(repository, tag, p.Version.Version)}, nil
}
