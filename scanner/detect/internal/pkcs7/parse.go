package pkcs7

import "errors"

func parse([]byte) (*SignedData, error) { return nil, errors.New("reading a signature: not written yet") }
