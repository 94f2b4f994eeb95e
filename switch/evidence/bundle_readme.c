/* See bundle_readme.h. */
#include "switch/evidence/bundle_readme.h"

#include <string.h>

static const char TEXT[] =
    "Evidence of one case, exported from Tillway\n"
    "===========================================\n"
    "\n"
    "Members are listed in manifest.json with size and SHA-256; manifest.sig is an Ed25519\n"
    "signature (RFC 8032, 64 bytes) over the bytes of manifest.json.\n"
    "\n"
    "With Tillway, on any machine, without a switch:\n"
    "    tillwayctl evidence verify FILE --key PUBLIC.pem     integrity and origin\n"
    "    tillwayctl evidence verify FILE                      integrity alone\n"
    "    tillwayctl evidence verify FILE --log FOLDER         and every row against that log\n"
    "\n"
    "Without Tillway:\n"
    "    tar xf FILE\n"
    "    openssl pkeyutl -verify -pubin -inkey PUBLIC.pem -rawin -in manifest.json \\\n"
    "        -sigfile manifest.sig\n"
    "    sha256sum *          and compare with manifest.json\n"
    "PUBLIC.pem must come from the operator by another way than this file.\n"
    "\n"
    "What is proven\n"
    "- manifest.sig: whoever holds the key said all of this, and nothing was changed since.\n"
    "- events.jsonl: the hash of an event is SHA-256 over the hash before (32 zero bytes before\n"
    "  the first), case id and number (8 bytes each, big-endian), and each column as its length\n"
    "  (2 bytes, big-endian) and its text. The last one is what the case keeps, so no event was\n"
    "  changed, put in or taken out before the export.\n"
    "- log.jsonl: the hash of a row is SHA-256 over previous_hash, each column in its order\n"
    "  (numbers as 8 bytes, two's complement, big-endian; texts as length in 2 bytes and bytes;\n"
    "  {\"hex\"} is a text that is no UTF-8) and the 32 bytes of secrets. `secrets` stands for\n"
    "  columns that never leave the switch: sealed and hashed card number, expiry, chip data, "
    "keys.\n"
    "  Rows that are neighbours continue one another. That the log of that day held these rows is\n"
    "  shown by comparing the hash at that position with the operator's log, with a copy of it, "
    "or\n"
    "  with segments.json and a last_hash that was published: whoever signed this is bound to it.\n"
    "- All else was worked out from these when it was exported: the signer vouches for it.\n"
    "\n"
    "Card numbers are masked. Handle this file as personal information: it may hold places of\n"
    "terminals, and names of people who worked on the case.\n"
    "\n"
    "案件证据包说明\n"
    "==============\n"
    "\n"
    "本文件由 Tillway 导出，包含一个案件的全部证据。manifest.json 列出每个成员的大小和 SHA-256，\n"
    "manifest.sig 是对 manifest.json 的 Ed25519 签名。\n"
    "验证：tillwayctl evidence verify 文件 --key 公钥.pem （无需交换系统，任何机器均可）。\n"
    "公钥须通过其他途径向运营方取得；不带 --key 时只验证完整性，不验证来源。\n"
    "卡号已屏蔽；密文卡号、有效期、芯片数据和密钥不在包内，以 secrets 的 32 字节代替，\n"
    "仍可重新计算每一行的哈希值。本文件含个人信息，请妥善保管。\n";

char *bundle_readme(void)
{
    return strdup(TEXT);
}
