package pkcs7

// Check verifies one signer of sd: that the digest of the content is the one
// in its signed attributes, that the signature verifies with the signer's
// certificate, and that the certificates inside chain up link by link.
// content is nil when the content is inside the message.
func (sd *SignedData) Check(s *Signer, content Digester) Check { return Check{Reason: "not checked"} }

// Verified reports whether the message is consistent in itself up to a
// certificate authority whose certificate is inside and which is not the
// leaf. It does not say that anyone trusts that authority. Expiry does not
// count: old files stay signed.
func (c Check) Verified() bool { return c.Reason == "" }

// Where tells how far the chain went, for Evidence.Where:
// "chain of 3, top: DigiCert Trusted Root G4", or Reason.
func (c Check) Where() string { return c.Reason }
