package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// signer is a certificate with its key and the certificates above it, as
// files that osslsigncode and openssl read.
type signer struct{ chain, key string }

// authorities are the signers that probes use, by name of the organisation.
type authorities map[string]signer

// makeAuthorities makes, for each name, a root, an authority below it and a
// certificate for signing code below that.
func (b *bench) makeAuthorities() error {
	b.certs = authorities{}
	dir := filepath.Join(b.dir, "scratch", "certs")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for i, name := range signerNames {
		s, err := issueChain(filepath.Join(dir, string(rune('a'+i))), name)
		if err != nil {
			return err
		}
		b.certs[name] = s
	}
	return nil
}

// signerNames are the organisations that sign a probe.
var signerNames = []string{
	"AO Kaspersky Lab", "Kaspersky Lab JSC", "Beijing Qihu Technology Co., Ltd.", "Qihoo 360 Software (Beijing) Company Limited",
	"Hangzhou Hikvision system technology Co. Ltd.", "Huawei Technologies Co., Ltd.", "Acronis International GmbH",
	"Doctor Web Ltd.", "Group-IB LTD", "Microsoft Corporation", "Example Software Ltd.", "Kasper Sky Labs Ltd.",
}

func certificate(subject pkix.Name) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	return &x509.Certificate{SerialNumber: serial, Subject: subject, BasicConstraintsValid: true,
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2049, 1, 1, 0, 0, 0, 0, time.UTC)}, err
}

func issueChain(base, name string) (signer, error) {
	names := []pkix.Name{
		{CommonName: "Test Root", Organization: []string{"Test Authorities"}},
		{CommonName: "Test Code Signing CA", Organization: []string{"Test Authorities"}},
		{CommonName: name, Organization: []string{name}, Country: []string{"XX"}},
	}
	var chain []byte
	var above *x509.Certificate
	var aboveKey, key *ecdsa.PrivateKey
	for i, n := range names {
		c, err := certificate(n)
		if err != nil {
			return signer{}, err
		}
		c.IsCA, c.KeyUsage = i < 2, x509.KeyUsageCertSign
		if i == 2 {
			c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
		}
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return signer{}, err
		}
		if above == nil {
			above, aboveKey = c, key
		}
		der, err := x509.CreateCertificate(rand.Reader, c, above, &key.PublicKey, aboveKey)
		if err != nil {
			return signer{}, err
		}
		if above, err = x509.ParseCertificate(der); err != nil {
			return signer{}, err
		}
		aboveKey = key
		chain = append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), chain...)
	}
	return writeSigner(base, chain, key)
}

func writeSigner(base string, chain []byte, key *ecdsa.PrivateKey) (signer, error) {
	s := signer{chain: base + ".pem", key: base + ".key"}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return s, err
	}
	if err := os.WriteFile(s.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return s, err
	}
	return s, os.WriteFile(s.chain, chain, 0o644)
}

// signature is one signature to put on a program.
type signature struct {
	by   string
	args []string
}

// signed builds a program and signs it, each time nested in the one before.
func signed(p pe, sigs ...signature) builder {
	return func(b *bench, dir string) error {
		if err := p.build(b, dir); err != nil {
			return err
		}
		file := filepath.Join(dir, p.name)
		for i, s := range sigs {
			c := b.certs[s.by]
			args := append([]string{"sign", "-certs", c.chain, "-key", c.key, "-in", file, "-out", file + ".signed"}, s.args...)
			if i > 0 {
				args = append(args, "-nest")
			}
			if err := b.tool(dir, "osslsigncode", args...); err != nil {
				return err
			}
			if err := os.Rename(file+".signed", file); err != nil {
				return err
			}
		}
		return nil
	}
}
