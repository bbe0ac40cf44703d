"""What the README inside a case file says, in English and Chinese."""

from typing import Final

README: Final = """\
CASE FILE of {subject}                                  Wuxin
=====================================================================

What this is
  All that is needed to check, without a network and without trusting whoever sent it, what was
  found and done on this, and from which raw data.

How to check it (Python 3.11 or newer; nothing else is installed)
  python verify.py FILE.zip --key "{vkey}"
  verify.py is packed along for convenience. If you doubt the sender, take the same file from a
  release of Wuxin (src/wuxin/evidence/case.py), and the key from the place where the log's holder
  gives it out to everybody. This README and the packed verify.py prove nothing themselves.

What is inside
  manifest.json       the SHA-256 of every part
  checkpoint          the signed head of the log (C2SP tlog-checkpoint)
  log.vkey            the key it is signed with (C2SP signed-note)
  records.json        acts, findings, their ends, batches: each with its salt and its leaf
  leaves/, proofs/    the logged leaf of each, and its proof (C2SP tlog-proof)
  commands.json       what people and the bank's system ordered, as far as a record names it
  frames.json, frames/  the raw bytes that records name, as they came; where a policy deleted
                      them, "gone" gives policy and day, and the digest still stands in records
  witnesses.vkey      keys of witnesses whose cosignatures the checkpoint bears, if any
  anchor/             an earlier checkpoint that outsiders saw, and the proof that this one extends
                      it; timestamp.tsr is an RFC 3161 answer over anchor/checkpoint:
                      openssl ts -verify -data anchor/checkpoint -in anchor/timestamp.tsr \\
                        -CAfile (certificates of the authority)
                      or: wuxin verify FILE.zip --roots (the same certificates)
                      chain.txt names a chain, a place there, and the SHA-256 that stands at it

What it does not show
  That a reading was true when it was made. That nothing else happened. When a batch came, beyond
  what the log's holder wrote, and what a witness or a timestamp bounds.

中文说明
  本文件供离线核验：就该融资作出的认定与行动、其依据的原始数据，以及它们在已签名日志中的位置。
  核验：安装 Python 3.11 以上，运行 python verify.py 文件.zip --key "公钥"。
  如不信任提供方，请从 Wuxin 发行版取得同一 verify.py（src/wuxin/evidence/case.py），
  并从日志持有方的公开渠道取得公钥。
  原始数据如已按制度删除，frames.json 载明制度名称与日期，摘要仍在已签名记录中。
  不证明：读数产生时为真；没有其他事件；批次到达时间（除见证签名或时间戳所限定者外）。
"""
