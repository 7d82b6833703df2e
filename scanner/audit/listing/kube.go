package listing

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// maxObject bounds one Kubernetes object, in bytes: etcd keeps none above
// 1.5 MiB, but managedFields and indentation add to that.
const maxObject = 32 << 20

const kubeHint = "write it with kubectl get pods --all-namespaces -o json"

// object is what is read of a Kubernetes object: the containers of a pod, or
// those of the pods that it makes (Kubernetes API, v1.PodSpec, v1.PodStatus).
type object struct {
	Kind     string
	Metadata struct{ Name, Namespace string }
	Spec     struct {
		podSpec
		Template    *podTemplate // Deployment, StatefulSet, DaemonSet, ReplicaSet, Job
		JobTemplate *struct {
			Spec struct{ Template podTemplate }
		} // CronJob
	}
	Status   podStatus
	Template *podTemplate // PodTemplate
}

type podTemplate struct{ Spec podSpec }

type podSpec struct {
	Containers, InitContainers, EphemeralContainers []container
}

type container struct{ Name, Image string }

type podStatus struct {
	ContainerStatuses, InitContainerStatuses, EphemeralContainerStatuses []containerStatus
}

type containerStatus struct {
	Name    string
	Image   string
	ImageID string `json:"imageID"`
}

// parseKube reads objects and lists of objects, one after the other, as kubectl
// writes them. A list is read object by object.
func parseKube(r io.Reader) ([]entry, error) {
	in := &allowance{r: r, left: maxObject}
	k := kube{in: in, dec: json.NewDecoder(in), seen: map[entry]bool{}}
	for {
		err := k.value(0)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, problem(kubeHint, "as JSON: %w", err)
		}
	}
	if len(k.entries) == 0 {
		return nil, problem(kubeHint, "no object in it has containers")
	}
	return k.entries, nil
}

// allowance is a reader that gives so many bytes, until it is renewed.
type allowance struct {
	r    io.Reader
	left int
}

func (a *allowance) Read(p []byte) (int, error) {
	if a.left <= 0 {
		return 0, fmt.Errorf("an object is larger than %d bytes", maxObject)
	}
	n, err := a.r.Read(p[:min(len(p), a.left)])
	a.left -= n
	return n, err
}

type kube struct {
	in      *allowance
	dec     *json.Decoder
	entries []entry
	seen    map[entry]bool
}

// value reads an object, a list, or an array of these.
func (k *kube) value(depth int) error {
	t, err := k.dec.Token()
	switch {
	case err != nil:
		return err
	case depth > 3:
		return errors.New("lists lie in lists")
	case t == json.Delim('['):
		return unexpected(k.array(depth))
	case t == json.Delim('{'):
		return unexpected(k.object(depth))
	}
	return fmt.Errorf("found %v where an object belongs", t)
}

func (k *kube) array(depth int) error {
	for k.dec.More() {
		k.in.left = maxObject
		if err := k.value(depth + 1); err != nil {
			return err
		}
	}
	_, err := k.dec.Token()
	return err
}

// object reads an object member by member, so that the items of a list are
// never in memory together.
func (k *kube) object(depth int) error {
	var o object
	for k.dec.More() {
		key, err := k.dec.Token()
		if err != nil {
			return err
		}
		var into any
		switch key {
		case "kind":
			into = &o.Kind
		case "metadata":
			into = &o.Metadata
		case "spec":
			into = &o.Spec
		case "status":
			into = &o.Status
		case "template":
			into = &o.Template
		case "items":
			if err := k.items(depth); err != nil {
				return err
			}
			continue
		default:
			into = &json.RawMessage{}
		}
		// What is no pod may have other types by these names.
		var wrong *json.UnmarshalTypeError
		if err := k.dec.Decode(into); err != nil && !errors.As(err, &wrong) {
			return err
		}
	}
	if _, err := k.dec.Token(); err != nil {
		return err
	}
	return k.add(o)
}

func (k *kube) items(depth int) error {
	t, err := k.dec.Token()
	if err != nil || t == nil {
		return err // null: an empty list
	}
	if t != json.Delim('[') {
		return errors.New("the items of the list are no array")
	}
	return k.array(depth)
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// add notes the containers of an object.
func (k *kube) add(o object) error {
	where := oneLine(o.Metadata.Namespace) + "/"
	if o.Kind != "Pod" && o.Kind != "" {
		where += strings.ToLower(oneLine(o.Kind)) + "/"
	}
	where += oneLine(o.Metadata.Name)
	running := map[string]containerStatus{}
	for _, list := range [][]containerStatus{o.Status.ContainerStatuses, o.Status.InitContainerStatuses, o.Status.EphemeralContainerStatuses} {
		for _, s := range list {
			running[s.Name] = s
		}
	}
	specs := []podSpec{o.Spec.podSpec}
	for _, t := range []*podTemplate{o.Spec.Template, o.Template} {
		if t != nil {
			specs = append(specs, t.Spec)
		}
	}
	if j := o.Spec.JobTemplate; j != nil {
		specs = append(specs, j.Spec.Template.Spec)
	}
	for _, spec := range specs {
		for _, list := range [][]container{spec.Containers, spec.InitContainers, spec.EphemeralContainers} {
			for _, c := range list {
				if err := k.container(where+"/"+oneLine(c.Name), c.Image, running[c.Name]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (k *kube) container(workload, image string, s containerStatus) error {
	if image == "" {
		image = s.Image
	}
	if image == "" && s.ImageID == "" {
		return nil
	}
	e := running(image, s.ImageID)
	e.workload = workload
	if k.seen[e] {
		return nil
	}
	if len(k.entries) >= maxEntries {
		return errEntries
	}
	k.seen[e] = true
	k.entries = append(k.entries, e)
	return nil
}

// running is the image of a container: that which the node says it runs, or
// that which it was told to run if the node says nothing that a registry knows.
// What runtimes write in imageID: "repository@digest" (containerd, CRI-O),
// "docker-pullable://repository@digest", and for images that came by no
// registry "docker://sha256:..." or "sha256:...", the digest of a configuration.
func running(image, imageID string) entry {
	e := entry{words: oneLine(image)}
	if image == "" {
		e.words = oneLine(imageID)
	}
	told, err := name.ParseReference(image)
	if err == nil {
		e.repo, err = checked(told.Context().Name())
	}
	if err == nil {
		switch r := told.(type) {
		case name.Tag:
			e.tag = r.TagStr()
		case name.Digest:
			e.digest = r.DigestStr()
		}
	}
	if _, rest, ok := strings.Cut(imageID, "://"); ok {
		imageID = rest
	}
	if runs, derr := name.NewDigest(imageID); derr == nil {
		if repo, derr := checked(runs.Context().Name()); derr == nil {
			if repo != e.repo {
				e.repo, e.tag = repo, "" // the node has it from there
			}
			e.digest, err = runs.DigestStr(), nil
		}
	}
	if err != nil {
		e.repo = ""
		e.bad = fmt.Sprintf("%q is no image reference", e.words)
	}
	return e
}
