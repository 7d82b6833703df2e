package dashboard

// ReadNotification reads a notification and keeps what may be queued.
func ReadNotification(kind string, body []byte) ([]string, error) {
	refs, err := notifications()[kind](body)
	var out []string
	for _, ref := range refs {
		if reference.MatchString(ref) {
			out = append(out, ref)
		}
	}
	return out, err
}
