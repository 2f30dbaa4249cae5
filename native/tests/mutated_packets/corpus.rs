//! Well-formed messages of every kind, and some that are wrong in a way that no single fault makes.

pub const A: u16 = 1;
pub const CNAME: u16 = 5;
pub const SOA: u16 = 6;
pub const DNAME: u16 = 39;
pub const OPT: u16 = 41;
pub const HTTPS: u16 = 65;
pub const ANY: u16 = 255;
pub const ID: u16 = 0x1D1D;
const TXT: u16 = 16;
const AAAA: u16 = 28;
const TSIG: u16 = 250;
const IN: u16 = 1;
const TO_QUESTION: &[u8] = &[0xC0, 12];

/// A message in the making: the header's counts follow what is appended.
#[derive(Clone)]
pub struct Message(pub Vec<u8>);

impl Message {
    pub fn new(flags: u16) -> Self {
        let mut bytes = Vec::new();
        for word in [ID, flags, 0, 0, 0, 0] {
            bytes.extend(word.to_be_bytes());
        }
        Self(bytes)
    }

    pub fn question(mut self, name: &[u8], qtype: u16, qclass: u16) -> Self {
        self.0.extend(name);
        self.0.extend(qtype.to_be_bytes());
        self.0.extend(qclass.to_be_bytes());
        self.count(0)
    }

    /// `section`: 1 answer, 2 authority, 3 additional. The owner may be a pointer.
    pub fn record(
        mut self,
        section: usize,
        owner: &[u8],
        rtype: u16,
        ttl: u32,
        rdata: &[u8],
    ) -> Self {
        self.0.extend(owner);
        self.0.extend(rtype.to_be_bytes());
        self.0.extend(IN.to_be_bytes());
        self.0.extend(ttl.to_be_bytes());
        self.0.extend((rdata.len() as u16).to_be_bytes());
        self.0.extend(rdata);
        self.count(section)
    }

    pub fn opt(mut self, payload_bytes: u16, ttl: u32, options: &[(u16, &[u8])]) -> Self {
        let rdata: Vec<u8> = options
            .iter()
            .flat_map(|(code, data)| {
                [
                    &code.to_be_bytes(),
                    &(data.len() as u16).to_be_bytes(),
                    *data,
                ]
                .concat()
            })
            .collect();
        let class_at = self.0.len() + 3;
        self = self.record(3, b"\0", OPT, ttl, &rdata);
        self.0[class_at..class_at + 2].copy_from_slice(&payload_bytes.to_be_bytes());
        self
    }

    fn count(mut self, section: usize) -> Self {
        self.0[5 + 2 * section] += 1;
        self
    }
}

/// A dotted name in wire form.
pub fn name(dotted: &str) -> Vec<u8> {
    let labels = dotted.split('.').filter(|label| !label.is_empty());
    let mut wire: Vec<u8> = labels
        .flat_map(|l| [&[l.len() as u8], l.as_bytes()].concat())
        .collect();
    wire.push(0);
    wire
}

pub fn names() -> Vec<Vec<u8>> {
    let label = "x".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "y".repeat(61));
    let deepest = "z.".repeat(127);
    let texts = [
        "www.good.example",
        "bad.example",
        "A.b.C.bad.example",
        "xn--bcher-kva.example",
    ];
    let odd = ["", "invalid", "_25._tcp.mail.example", &longest, &deepest];
    let mut names: Vec<_> = texts.iter().chain(&odd).map(|text| name(text)).collect();
    names.push(b"\x05a\0b.c\x04\xffABC\0".to_vec());
    names
}

pub fn queries() -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    for name in names() {
        for qtype in [A, AAAA, HTTPS, TXT, ANY] {
            for flags in [0x0100, 0x0110] {
                let plain = Message::new(flags).question(&name, qtype, IN);
                packets.extend(with_opt(&plain));
                packets.push(plain.0);
            }
        }
    }
    packets.extend(odd_queries());
    packets.extend(responses(&name("bad.example"), A).into_iter().take(4));
    packets
}

fn with_opt(plain: &Message) -> Vec<Vec<u8>> {
    const DO: u32 = 0x8000;
    let options: &[&[(u16, &[u8])]] = &[
        &[],
        &[(10, &[7; 8])],
        &[(10, &[8; 16])],
        &[(10, &[9; 24])],
        &[(10, &[10; 40]), (10, &[11; 8])],
        &[(8, &[0, 1, 24, 0, 192, 0, 2]), (10, &[12; 24]), (3, &[])],
        &[(12, &[0; 100]), (15, &[0, 15]), (65_001, &[1])],
    ];
    let sizes = [(0, 0), (1232, DO), (65_535, 0), (512, DO)];
    let each = options.iter().enumerate();
    each.map(|(n, options)| plain.clone().opt(sizes[n % 4].0, sizes[n % 4].1, options).0)
        .collect()
}

fn odd_queries() -> Vec<Vec<u8>> {
    let asked = name("www.good.example");
    let plain = Message::new(0x0100).question(&asked, A, IN);
    let soa = soa(&asked);
    let wrong_cookies =
        [0, 7, 9, 15, 41].map(|bytes| plain.clone().opt(1232, 0, &[(10, &vec![1; bytes])]));
    let messages = [
        Message::new(0),
        Message::new(0).question(&asked, A, IN),
        Message::new(0x0100).question(&asked, A, 3),
        Message::new(0x0100)
            .question(&asked, A, 255)
            .opt(1232, 0, &[]),
        Message::new(0x0100).question(&asked, 252, IN),
        Message::new(0x2400)
            .question(&asked, SOA, IN)
            .record(1, TO_QUESTION, SOA, 60, &soa),
        Message::new(0x2800).question(&asked, SOA, IN),
        Message::new(0x7800),
        Message::new(0x0100).question(TO_QUESTION, A, IN),
        Message::new(0x0100).question(b"\x03www\xc0\x0c", A, IN),
        Message::new(0x0100).question(&[&[64; 65][..], &[0]].concat(), A, IN),
        plain.clone().question(&asked, AAAA, IN),
        plain.clone().record(2, TO_QUESTION, SOA, 0, &soa),
        plain.clone().record(3, &asked, TSIG, 0, &[1; 60]),
        plain
            .clone()
            .opt(1232, 0, &[])
            .record(3, &asked, TSIG, 0, &[1; 60]),
        plain.clone().opt(1232, 0, &[]).opt(512, 0, &[]),
        plain.clone().opt(1232, 1 << 16, &[(10, &[1; 8])]),
        plain.clone().opt(1232, 0xFF00_0000, &[]),
        plain.clone().record(3, &asked, OPT, 0, &[]),
        plain.clone().record(3, b"\0", OPT, 0, &[0, 10, 0, 9, 1]),
    ];
    messages
        .into_iter()
        .chain(wrong_cookies)
        .map(|message| message.0)
        .collect()
}

/// What upstreams may say to a question in class IN, asked under `ID`.
pub fn responses(asked: &[u8], qtype: u16) -> Vec<Vec<u8>> {
    let response = |rcode: u16| Message::new(0x8180 | rcode).question(asked, qtype, IN);
    let (other, soa) = (name("cdn.example.net"), soa(asked));
    // Where the first record's data lie, and so a name in them.
    let data_at = response(0).0.len() + TO_QUESTION.len() + 10;
    let to_data = [0xC0 | (data_at >> 8) as u8, data_at as u8];
    let service = [&[0, 1][..], &other, &[0, 1, 0, 3, 2, b'h', b'2']].concat();
    let chain = (0..60).fold(response(0), |message, n| {
        let (owner, target) = (
            name(&format!("hop{n}.example")),
            name(&format!("hop{}.example", n + 1)),
        );
        message.record(1, &owner, CNAME, 300, &target)
    });
    let ede: &[(u16, &[u8])] = &[(15, &[0, 3]), (15, b"\0\x16text"), (10, &[1; 16])];
    let address =
        |message: Message, owner: &[u8]| message.record(1, owner, A, 300, &[192, 0, 2, 1]);
    let messages = [
        address(response(0), TO_QUESTION),
        address(address(response(0), TO_QUESTION), asked).opt(1232, 0, &[]),
        response(0).record(2, TO_QUESTION, SOA, 3600, &soa),
        response(3)
            .record(2, &other, SOA, 3600, &soa)
            .opt(1232, 0, ede),
        address(
            response(0).record(1, TO_QUESTION, CNAME, 86_401, &other),
            &to_data,
        ),
        address(
            response(0).record(1, TO_QUESTION, DNAME, 0x8000_0001, &other),
            &to_data,
        ),
        response(0)
            .record(1, TO_QUESTION, HTTPS, 60, &service)
            .opt(1232, 0x8000, &[]),
        response(0).record(1, TO_QUESTION, HTTPS, 60, &[0, 1, 0]),
        response(0).record(1, TO_QUESTION, CNAME, 60, &[3, b'w', b'w', b'w', 0xC0, 12]),
        response(0).record(1, TO_QUESTION, CNAME, 60, &to_data),
        response(0).record(1, &asked.to_ascii_uppercase(), TXT, 60, &[200; 201]),
        address(response(0), TO_QUESTION)
            .record(2, TO_QUESTION, 2, 60, &other)
            .record(3, &other, AAAA, 60, &[1; 16])
            .opt(1232, 0, ede),
        response(2).opt(1232, 0, ede),
        response(5),
        response(0).opt(1232, 0x0100_0000, &[]),
        response(0).record(3, b"\0", OPT, 0, &[0, 15, 0, 9, 1]),
        Message::new(0x8380).question(asked, qtype, IN),
        address(chain, b"\0"),
    ];
    messages.into_iter().map(|message| message.0).collect()
}

fn soa(mname: &[u8]) -> Vec<u8> {
    let numbers: Vec<u8> = [1, 7200, 900, 1_209_600, 300_u32]
        .iter()
        .flat_map(|n| n.to_be_bytes())
        .collect();
    [mname, b"\x0ahostmaster\xc0\x0c", &numbers].concat()
}
